/* A disk that fails on demand: preloaded into a server, it answers for the files of one directory.
 *
 * REFNET_FAULT_DIR   the directory.
 * REFNET_FAULT_FILE  while this file exists, its first letter says what fails:
 *                    F  the disk is full: files cannot grow, what is there can be overwritten
 *                    W  every write fails with EIO
 *                    S  every flush fails with EIO
 *                    H  every write fails with EIO, and every flush takes for ever
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char fault(int descriptor)
{
    char link[64], path[4096] = "", letter = 0;
    const char *folder = getenv("REFNET_FAULT_DIR"), *file = getenv("REFNET_FAULT_FILE");
    if (folder == NULL || file == NULL)
        return 0;
    int said = open(file, O_RDONLY | O_CLOEXEC);
    if (said < 0)
        return 0;
    if (read(said, &letter, 1) != 1)
        letter = 0;
    close(said);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    return size > 0 && strncmp(path, folder, strlen(folder)) == 0 ? letter : 0;
}

static int refused(int descriptor, off_t end)
{
    struct stat now;
    switch (fault(descriptor)) {
    case 'W':
    case 'H':
        errno = EIO;
        return 1;
    case 'F':
        if (fstat(descriptor, &now) == 0 && end <= now.st_size)
            return 0;
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

static int flush_refused(int descriptor)
{
    char letter;
    while ((letter = fault(descriptor)) == 'H')
        sleep(1);
    if (letter != 'S' && letter != 'W')
        return 0;
    errno = EIO;
    return 1;
}

ssize_t pwrite(int d, const void *b, size_t n, off_t at)
{
    return refused(d, at + (off_t)n) ? -1 : REAL(pwrite)(d, b, n, at);
}

ssize_t pwrite64(int d, const void *b, size_t n, off64_t at)
{
    return refused(d, at + (off_t)n) ? -1 : REAL(pwrite64)(d, b, n, at);
}

ssize_t write(int d, const void *b, size_t n)
{
    off_t at = lseek(d, 0, SEEK_CUR);
    if (at >= 0 && refused(d, at + (off_t)n))
        return -1;
    return REAL(write)(d, b, n);
}

int posix_fallocate(int d, off_t at, off_t n)
{
    return refused(d, at + n) ? errno : REAL(posix_fallocate)(d, at, n);
}

int posix_fallocate64(int d, off64_t at, off64_t n)
{
    return refused(d, at + n) ? errno : REAL(posix_fallocate64)(d, at, n);
}

int fsync(int d) { return flush_refused(d) ? -1 : REAL(fsync)(d); }

int fdatasync(int d) { return flush_refused(d) ? -1 : REAL(fdatasync)(d); }
