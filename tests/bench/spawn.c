/* The least that running a command can cost: posix_spawn and wait, as many at a time as asked.  spawn SLOTS COUNT ARGV... */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    long slots = atol(argv[1]), left = atol(argv[2]), running = 0;
    while (left > 0 || running > 0) {
        for (; left > 0 && running < slots; left--, running++) {
            pid_t pid;
            if (posix_spawnp(&pid, argv[3], NULL, NULL, argv + 3, environ)) return 1;
        }
        if (wait(NULL) < 0) return 1;
        running--;
    }
    return 0;
}
