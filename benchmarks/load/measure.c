// Runs a command pinned to one core and writes what it cost to a file: CPU of the process and of the children it waited
// for, wall time, peak memory. A small program of its own, since a process forked by Python inherits Python's peak.
#define _GNU_SOURCE
#include "connect.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: measure CORE REPORT COMMAND...\n");
        return 2;
    }
    int core = atoi(argv[1]);
    double began = seconds_of(CLOCK_MONOTONIC);
    pid_t child = vfork();
    if (child < 0) die("vfork");
    if (child == 0) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(core, &cores);
        if (core >= 0) sched_setaffinity(0, sizeof cores, &cores);
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    struct rusage used;
    int status = 0;
    if (wait4(child, &status, 0, &used) < 0) die("wait4");
    double wall = seconds_of(CLOCK_MONOTONIC) - began;
    FILE* report = fopen(argv[2], "w");
    if (report == NULL) die(argv[2]);
    fprintf(report, "{\"user\": %ld.%06ld, \"system\": %ld.%06ld, \"seconds\": %.6f, \"peak\": %ld, \"status\": %d}\n",
            used.ru_utime.tv_sec, used.ru_utime.tv_usec, used.ru_stime.tv_sec, used.ru_stime.tv_usec, wall,
            used.ru_maxrss * 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fclose(report);
    return 0;
}
