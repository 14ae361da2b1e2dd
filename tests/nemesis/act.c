/* What tasks of a nemesis run do: live for a while, and tell of it outside of the spool.
 *
 *     act WORD            WORD is LIFE:LATER:FAIL:LEAVE:ID
 *         LIFE, LATER     milliseconds to live at the first attempt and at later ones
 *         FAIL            attempts up to this one exit with 1
 *         LEAVE           1 = a process in a session of its own is left behind, and tells that it lives
 *         ID              which text this is
 *
 * Lines in FOLDER/proof/WID (FOLDER: where this program lies), one write(2) with O_APPEND each, so that none is lost
 * when the node loses its power a moment later:
 *
 *     B BOOT_ID                                which boot of the node the moments below belong to
 *     KIND TASK ATTEMPT BOOTTIME PID WORD      S start, L still alive (each 0.1 s), E end, X failed as it should,
 *                                              T another process of this kernel that runs the same task is alive
 *
 * An item of a sweep (DSGSPOOL_ITEM) is called SWEEP/ITEM, whatever chunk it runs in.
 *
 * T comes from a lock that this process and all that it leaves behind hold: one byte of FOLDER/lock for each task.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int proof;
static const char *task, *attempt, *word;

static void die(const char *what) {
    perror(what);
    exit(99);
}

static void tell(char kind) {
    struct timespec now;
    char line[1024];
    clock_gettime(CLOCK_BOOTTIME, &now);
    int size = snprintf(line, sizeof line, "%c %s %s %lld.%09ld %d %s\n", kind, task, attempt, (long long)now.tv_sec,
                        now.tv_nsec, getpid(), word);
    if (size >= (int)sizeof line || write(proof, line, size) != size) die("act: cannot tell");
}

/* Several may be the first: then the line stands there several times. */
static void tell_boot(void) {
    char line[64] = "B ";
    int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
    if (boot < 0 || read(boot, line + 2, sizeof line - 3) < 36 || write(proof, line, strlen(line)) < 38) die("boot_id");
    close(boot);
}

static void live(long milliseconds) {
    for (; milliseconds > 0; milliseconds -= 100) {
        long now = milliseconds < 100 ? milliseconds : 100;
        struct timespec pause = {0, now * 1000000};
        nanosleep(&pause, NULL);
        tell('L');
    }
}

static void lock(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/lock", folder);
    int descriptor = open(path, O_RDWR | O_CREAT, 0666);
    if (descriptor < 0) die(path);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = task; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = hash >> 2, .l_len = 1};
    if (fcntl(descriptor, F_OFD_SETLK, &byte)) tell('T');
}

int main(int argc, char **argv) {
    task = getenv("DSGSPOOL_TASK");
    attempt = getenv("DSGSPOOL_ATTEMPT");
    const char *worker = getenv("DSGSPOOL_WORKER");
    if (argc != 2 || !task || !attempt || !worker) return 98;
    const char *item = getenv("DSGSPOOL_ITEM"), *slash = strrchr(task, '/');
    static char name[512];
    if (item && slash) {
        snprintf(name, sizeof name, "%.*s/%s", (int)(slash - task), task, item);
        task = name;
    }
    word = argv[1];
    long life, later, fail, leave;
    if (sscanf(word, "%ld:%ld:%ld:%ld:", &life, &later, &fail, &leave) != 4) return 98;
    char folder[2048], path[4096];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
    snprintf(path, sizeof path, "%s/proof/%s", folder, worker);
    proof = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (proof < 0) die(path);
    if (!lseek(proof, 0, SEEK_END)) tell_boot();
    lock(folder);
    tell('S');
    if (leave && !fork()) {
        setsid();
        live(60000);
        return 0;
    }
    live(atoi(attempt) > 1 ? later : life);
    int failed = atoi(attempt) <= fail;
    tell(failed ? 'X' : 'E');
    return failed;
}
