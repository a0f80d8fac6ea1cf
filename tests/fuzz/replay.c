/* Runs a fuzz target over files and folders of inputs, as a test: one line a folder or file. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

static unsigned replayed;

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    static uint8_t room[1 << 20];
    size_t size = fread(room, 1, sizeof room, file);
    (void)fclose(file);
    uint8_t *exact = malloc(size == 0 ? 1 : size); /* of exactly its size, for the sanitizers */
    if (exact == NULL) {
        return false;
    }
    memcpy(exact, room, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    replayed++;
    return true;
}

static bool replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    bool good = folder != NULL;
    while (good) {
        struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            break;
        }
        char file[4096];
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        good = entry->d_name[0] == '.' || replay_file(file);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return good;
}

int main(int argc, char **argv)
{
    int status = 0;
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        struct stat about;
        unsigned before = replayed;
        bool good = stat(argv[i], &about) == 0;
        good = good && (S_ISDIR(about.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]));
        good = good && replayed > before; /* an empty corpus tests nothing */
        printf("%s %d - %s (%u inputs)\n", good ? "ok" : "not ok", i, argv[i], replayed - before);
        status = good ? status : 1;
    }
    return status;
}
