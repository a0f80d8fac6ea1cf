/* The layer: libldap's Sockbuf_IO above, SSPI beside it, the connection below. */
#include "ldap_layer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH       4
#define CHUNK        50000
#define MESSAGE_MAX  0x1000000
#define PROBES       3
#define SIGNATURE_AT 4 /* the checksum, behind NTLM's version number (MS-NLMP 2.2.2.9.2) */

/* ---------------------------------------------------------------- messages */

/* `message`: room for the token, then the data, then room for padding; `hole` is what is left over in front, and `whole` the
 * size of what comes then. */
static SECURITY_STATUS protect(struct layer *layer, unsigned char *message, size_t size, size_t *hole, size_t *whole)
{
    if (layer->protection == PROTECT_BEHIND) {
        SecBuffer behind[2] = {{(ULONG)size, SECBUFFER_DATA, message + layer->trailer},
                               {layer->trailer, SECBUFFER_PADDING, message + layer->trailer + size}};
        SecBufferDesc parts = {SECBUFFER_VERSION, 2, behind};
        SECURITY_STATUS result = EncryptMessage(layer->context, layer->quality, &parts, 0);
        *hole = layer->trailer;
        *whole = size + behind[1].cbBuffer;
        return result;
    }
    SecBuffer buffers[2] = {{layer->trailer, SECBUFFER_TOKEN, message},
                            {(ULONG)size, SECBUFFER_DATA, message + layer->trailer}};
    SecBufferDesc description = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = EncryptMessage(layer->context, layer->quality, &description, 0);
    if (status == SEC_E_OK) { /* Kerberos' token is shorter when nothing is encrypted */
        *hole = layer->trailer - buffers[0].cbBuffer;
        *whole = buffers[0].cbBuffer + size;
        memmove(message + *hole, message, buffers[0].cbBuffer);
    }
    return status;
}

/* `start` and `plain`: where in `message` the data is then. */
static SECURITY_STATUS unprotect(struct layer *layer, unsigned char *message, size_t size, size_t *start, size_t *plain)
{
    if (layer->protection == PROTECT_TOKEN && size < layer->trailer) { /* Kerberos' trailer is a maximum */
        return SEC_E_INVALID_TOKEN;
    }
    ULONG data = layer->protection == PROTECT_TOKEN ? (ULONG)size - layer->trailer : 0;
    SecBuffer apart[2] = {{layer->trailer, SECBUFFER_TOKEN, message}, {data, SECBUFFER_DATA, message + layer->trailer}};
    SecBuffer whole[2] = {{(ULONG)size, SECBUFFER_STREAM, message}, {0, SECBUFFER_DATA, NULL}};
    SecBuffer *buffers = layer->protection == PROTECT_TOKEN ? apart : whole;
    SecBufferDesc description = {SECBUFFER_VERSION, 2, buffers};
    ULONG quality = 0;
    SECURITY_STATUS status = DecryptMessage(layer->context, &description, 0, &quality);
    if (status == SEC_E_OK) {
        *start = (size_t)((unsigned char *)buffers[1].pvBuffer - message);
        *plain = buffers[1].cbBuffer;
    }
    return status;
}

/* Copies that must not pass, and leave no trace. */
static void try_altered(struct layer *layer, const unsigned char *message, size_t size)
{
    const size_t places[PROBES] = {layer->altered_at != 0 ? layer->altered_at : SIGNATURE_AT, layer->trailer, size - 1};
    for (size_t i = 0; i < PROBES; i++) {
        size_t start;
        size_t plain;
        unsigned char *copy = malloc(size);
        if (copy == NULL) {
            return;
        }
        memcpy(copy, message, size);
        copy[places[i]] ^= 1;
        SECURITY_STATUS status = unprotect(layer, copy, size, &start, &plain);
        free(copy);
        if (layer->altered == SEC_E_OK || layer->altered == SEC_E_MESSAGE_ALTERED) {
            layer->altered = status == SEC_E_OK ? SEC_E_INTERNAL_ERROR : status;
        }
    }
}

static void try_again(struct layer *layer, unsigned char *copy, size_t size)
{
    size_t start;
    size_t plain;
    SECURITY_STATUS status = unprotect(layer, copy, size, &start, &plain);
    if (layer->again == SEC_E_OK || layer->again == SEC_E_OUT_OF_SEQUENCE) {
        layer->again = status == SEC_E_OK ? SEC_E_INTERNAL_ERROR : status;
    }
}

/* Opens the message in layer->message. */
static SECURITY_STATUS open_message(struct layer *layer, size_t size)
{
    size_t start = 0;
    size_t plain = 0;
    unsigned char *copy = NULL;
    if (layer->probe) {
        copy = malloc(size);
        if (copy == NULL) {
            return SEC_E_INSUFFICIENT_MEMORY;
        }
        memcpy(copy, layer->message, size);
    }
    if (copy != NULL && size > layer->trailer) {
        try_altered(layer, copy, size);
    }
    SECURITY_STATUS status = unprotect(layer, layer->message, size, &start, &plain);
    if (status == SEC_E_OK) {
        layer->at = start;
        layer->end = start + plain;
        layer->received++;
        if (copy != NULL) {
            layer->clear += memmem(copy, size, layer->message + start, plain) != NULL;
            try_again(layer, copy, size);
        }
    }
    free(copy);
    return status;
}

/* ---------------------------------------------------------------- libldap's side */

static ber_slen_t fail(struct layer *layer, SECURITY_STATUS status)
{
    layer->failure = status;
    errno = EIO;
    return -1;
}

/* All of it, or what the connection said instead. */
static ber_slen_t read_all(Sockbuf_IO_Desc *io, unsigned char *out, size_t size)
{
    for (size_t got = 0; got < size;) {
        ber_slen_t n = LBER_SBIOD_READ_NEXT(io, out + got, size - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n;
        }
        got += (size_t)n;
    }
    return (ber_slen_t)size;
}

static ber_slen_t write_all(Sockbuf_IO_Desc *io, unsigned char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ber_slen_t n = LBER_SBIOD_WRITE_NEXT(io, data + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        done += (size_t)n;
    }
    return (ber_slen_t)size;
}

/* The next message from the connection, opened. */
static ber_slen_t fetch(Sockbuf_IO_Desc *io, struct layer *layer)
{
    unsigned char length[LENGTH];
    ber_slen_t n = read_all(io, length, LENGTH);
    if (n <= 0) {
        return n;
    }
    size_t size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    if (size == 0 || size > MESSAGE_MAX) {
        return fail(layer, SEC_E_INVALID_TOKEN);
    }
    if (size > layer->size) {
        unsigned char *larger = realloc(layer->message, size);
        if (larger == NULL) {
            return fail(layer, SEC_E_INSUFFICIENT_MEMORY);
        }
        layer->message = larger;
        layer->size = size;
    }
    n = read_all(io, layer->message, size);
    if (n <= 0) {
        return n;
    }
    SECURITY_STATUS status = open_message(layer, size);
    return status == SEC_E_OK ? 1 : fail(layer, status);
}

static ber_slen_t layer_read(Sockbuf_IO_Desc *io, void *out, ber_len_t size)
{
    struct layer *layer = io->sbiod_pvt;
    if (layer->protection == PROTECT_NONE) {
        return LBER_SBIOD_READ_NEXT(io, out, size);
    }
    while (layer->at == layer->end) {
        ber_slen_t n = fetch(io, layer);
        if (n <= 0) {
            return n;
        }
    }
    size_t n = layer->end - layer->at < size ? layer->end - layer->at : size;
    memcpy(out, layer->message + layer->at, n);
    layer->at += n;
    return (ber_slen_t)n;
}

static ber_slen_t layer_write(Sockbuf_IO_Desc *io, void *data, ber_len_t size)
{
    struct layer *layer = io->sbiod_pvt;
    static unsigned char message[LENGTH + 1000 + CHUNK + 1000];
    if (layer->protection == PROTECT_NONE) {
        return LBER_SBIOD_WRITE_NEXT(io, data, size);
    }
    for (size_t done = 0; done < size;) {
        size_t chunk = size - done < CHUNK ? size - done : CHUNK;
        size_t hole = 0, sealed = 0;
        memcpy(message + LENGTH + layer->trailer, (const unsigned char *)data + done, chunk);
        SECURITY_STATUS status = protect(layer, message + LENGTH, chunk, &hole, &sealed);
        if (status != SEC_E_OK) {
            return fail(layer, status);
        }
        uint32_t whole = (uint32_t)sealed;
        unsigned char *start = message + hole;
        memcpy(start, (unsigned char[]){whole >> 24, whole >> 16 & 0xFF, whole >> 8 & 0xFF, whole & 0xFF}, LENGTH);
        start[LENGTH + whole - 1] ^= layer->alter && layer->sent == 0;
        if (write_all(io, start, LENGTH + whole) < 0) {
            return -1;
        }
        layer->sent++;
        layer->clear += memmem(start, LENGTH + whole, (const unsigned char *)data + done, chunk) != NULL;
        done += chunk;
    }
    return (ber_slen_t)size;
}

static int layer_setup(Sockbuf_IO_Desc *io, void *argument)
{
    io->sbiod_pvt = argument;
    return 0;
}

static int layer_remove(Sockbuf_IO_Desc *io)
{
    io->sbiod_pvt = NULL;
    return 0;
}

static int layer_control(Sockbuf_IO_Desc *io, int option, void *argument)
{
    const struct layer *layer = io->sbiod_pvt;
    if (option == LBER_SB_OPT_DATA_READY && layer->at != layer->end) {
        return 1;
    }
    return LBER_SBIOD_CTRL_NEXT(io, option, argument);
}

static int layer_close(Sockbuf_IO_Desc *io)
{
    (void)io;
    return 0;
}

static Sockbuf_IO layer_io = {layer_setup, layer_remove, layer_control, layer_read, layer_write, layer_close};

int layer_install(LDAP *ldap, struct layer *layer)
{
    SecPkgContext_Sizes sizes = {0};
    Sockbuf *socket = NULL;
    SECURITY_STATUS status = QueryContextAttributesA(layer->context, SECPKG_ATTR_SIZES, &sizes);
    if (status != SEC_E_OK) {
        layer->failure = status;
        return -1;
    }
    layer->trailer =
        layer->protection == PROTECT_BEHIND ? sizes.cbMaxSignature + sizes.cbBlockSize : sizes.cbSecurityTrailer;
    if (layer->trailer > 1000 || ldap_get_option(ldap, LDAP_OPT_SOCKBUF, &socket) != LDAP_OPT_SUCCESS) {
        return -1;
    }
    return ber_sockbuf_add_io(socket, &layer_io, LBER_SBIOD_LEVEL_APPLICATION, layer);
}

void layer_free(struct layer *layer)
{
    free(layer->message);
    layer->message = NULL;
}
