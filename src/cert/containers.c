#include "cert/containers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"

#include "wincrypt.h"

struct container {
    atomic_uint_fast32_t refs;
    struct container *next; /* of the named ones */
    char *name;
    EVP_PKEY *keys[2];
};

/* Of the list and of all containers' keys; held for a few instructions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct container *named; /* each with a reference */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

static void take_lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
    pthread_mutex_unlock(&lock);
}

/* The link that points at the one of this name, or at the end. */
static struct container **find(const char *name)
{
    struct container **link = &named;
    while (*link != NULL && strcasecmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

struct container *container_hold(struct container *container)
{
    if (container != NULL) {
        atomic_fetch_add(&container->refs, 1);
    }
    return container;
}

void container_drop(struct container *container)
{
    if (container != NULL && atomic_fetch_sub(&container->refs, 1) == 1) {
        EVP_PKEY_free(container->keys[0]);
        EVP_PKEY_free(container->keys[1]);
        free(container->name);
        free(container);
    }
}

void container_auto(struct container **container)
{
    container_drop(*container);
}

static STATUS make(const char *name, struct container **out)
{
    AUTO_CONTAINER *container = calloc(1, sizeof *container);
    REQUIRE(container != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    atomic_init(&container->refs, 1);
    if (name != NULL) {
        container->name = strdup(name);
        REQUIRE(container->name != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    *out = STEAL(container);
    return SEC_E_OK;
}

/* Among the named ones, or a new reference to the one that has its name already. */
static struct container *enter(struct container *container)
{
    struct container **link, *there;
    take_lock();
    link = find(container->name);
    there = container_hold(*link);
    if (there == NULL) {
        *link = container_hold(container);
    }
    give_lock();
    return there;
}

STATUS container_new(const char *name, struct container **out)
{
    AUTO_CONTAINER *container = NULL, *there = NULL;
    TRY(make(name, &container));
    there = name != NULL ? enter(container) : NULL;
    REQUIRE(there == NULL, NTE_EXISTS, "key container: there is one of this name");
    *out = STEAL(container);
    return SEC_E_OK;
}

STATUS container_of_name(const char *name, struct container **out)
{
    AUTO_CONTAINER *container = NULL;
    if (container_find(name, out)) {
        return SEC_E_OK;
    }
    TRY(make(name, &container));
    struct container *there = enter(container);
    *out = there != NULL ? there : STEAL(container);
    return SEC_E_OK;
}

bool container_find(const char *name, struct container **out)
{
    struct container *container;
    take_lock();
    container = container_hold(*find(name));
    give_lock();
    if (container != NULL) {
        *out = container;
    }
    return container != NULL;
}

STATUS container_open(const char *name, struct container **out)
{
    REQUIRE(container_find(name, out), NTE_BAD_KEYSET, "key container: none of this name in this process");
    return SEC_E_OK;
}

STATUS container_delete(const char *name)
{
    struct container *container, **link;
    take_lock();
    link = find(name);
    container = *link;
    if (container != NULL) {
        *link = container->next;
        container->next = NULL;
    }
    give_lock();
    REQUIRE(container != NULL, NTE_BAD_KEYSET, "key container: none of this name in this process");
    container_drop(container);
    return SEC_E_OK;
}

static size_t place_of(DWORD spec)
{
    return spec == AT_SIGNATURE ? 1 : 0;
}

void container_set_key(struct container *container, DWORD spec, EVP_PKEY *key)
{
    EVP_PKEY **place = &container->keys[place_of(spec)], *old;
    if (key != NULL) {
        EVP_PKEY_up_ref(key);
    }
    take_lock();
    old = *place;
    *place = key;
    give_lock();
    EVP_PKEY_free(old);
}

void container_settle_key(struct container *container, DWORD spec, EVP_PKEY **key)
{
    EVP_PKEY **place = &container->keys[place_of(spec)], *made = *key;
    bool taken;
    take_lock();
    taken = *place == NULL;
    if (taken) {
        *place = made;
    }
    *key = *place;
    EVP_PKEY_up_ref(*key);
    give_lock();
    if (!taken) {
        EVP_PKEY_free(made);
    }
}

EVP_PKEY *container_key(struct container *container, DWORD spec)
{
    EVP_PKEY *key;
    take_lock();
    key = container->keys[place_of(spec)];
    if (key != NULL) {
        EVP_PKEY_up_ref(key);
    }
    give_lock();
    return key;
}

size_t containers_named(void)
{
    size_t count = 0;
    take_lock();
    for (struct container *at = named; at != NULL; at = at->next) {
        count++;
    }
    give_lock();
    return count;
}
