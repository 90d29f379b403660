/* Disks that fail, for tests: LD_PRELOAD=faults.so FAULTS=BLOCK program.

   Calls that change or read something below a root are counted, over all processes that have the block
   mapped, and one of them (or all from it on) fails, writes less than asked, or kills its process.
   BLOCK is a file of sizeof(struct block) bytes that the test and the programs share; faults.py
   has the same fields in the same order. Only what goes through libc's exported names is seen, which
   is what Python, Rust's std, libstdc++ and Pillow use; stdio's own writes are not. test_faults.py
   compares what is seen with what strace says of every verb. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, RENAME = 16, MKDIR = 32, UNLINK = 64, SIZE = 128, MODE = 256, LOCK = 512, CLOSE = 1024, NAMES = 2048, DATA = 4096, LIST = 8192 };
enum { COUNT, FAIL, SHORT, KILL, GONE, CUT, SPOIL };
enum { CALLS = 8192, WORDS = 160 };

struct block {
  _Atomic int32_t armed;   /* nothing is counted before */
  int32_t deed;            /* what happens at call `at` */
  int32_t at;              /* the first call is 1 */
  int32_t error;           /* errno of calls that fail */
  int32_t counted;         /* kinds of calls that are counted */
  int32_t after;           /* kinds that go on failing after `at` */
  int32_t process;         /* only calls of this process; 0 = of all */
  _Atomic int32_t calls;   /* so far */
  _Atomic int32_t struck;  /* of them, those that something was done to */
  int32_t clock_at;        /* readings of the wall clock before it jumps; 0 = it does not */
  int64_t clock_jump;      /* by so many nanoseconds */
  _Atomic int32_t clock_calls;
  char root[1024];
  char victim[1024];       /* the folder that is GONE, the file that is CUT or SPOILed */
  char log[CALLS][WORDS]; /* "write PATH" */
};

static struct block *block;

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTS");
  if (!path) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *found = mmap(NULL, sizeof(struct block), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (found != MAP_FAILED) block = found;
}

/* Where `path` leads, links in its folder followed; /proc/self/fd/N/name, too. */
static int place(int at, const char *path, char *out) {
  char whole[PATH_MAX + 64], folder[PATH_MAX + 64], real[PATH_MAX];
  if (!path) return 0;
  if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
  else if (at == AT_FDCWD) snprintf(whole, sizeof whole, "/proc/self/cwd/%s", path);
  else snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, path);
  size_t n = strlen(whole);
  while (n > 1 && whole[n - 1] == '/') whole[--n] = 0;
  strcpy(folder, whole);
  char *slash = strrchr(folder, '/');
  if (!slash) return 0;
  *slash = 0;
  if (!realpath(*folder ? folder : "/", real)) return 0;
  int size = snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") ? real : "", strrchr(whole, '/') + 1);
  return size < PATH_MAX;
}

static int place_of(int fd, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, out, PATH_MAX - 1);
  if (n < 0) return 0;
  out[n] = 0;
  return 1;
}

static int gone(const char *path, const struct stat *found, int kind, struct FTW *where) {
  (void)found, (void)where;
  return syscall(SYS_unlinkat, AT_FDCWD, path, kind == FTW_DP ? AT_REMOVEDIR : 0);
}

/* Another program writes the file: it has half of its bytes, or other ones in its midst. */
static void written_over(const char *path, int deed) {
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  off_t half = fd < 0 ? 0 : syscall(SYS_lseek, fd, 0, SEEK_END) / 2;
  if (fd < 0) return;
  if (deed == CUT) syscall(SYS_ftruncate, fd, half);
  else syscall(SYS_pwrite64, fd, "another program's", 17, half);
  syscall(SYS_close, fd);
}

/* What is to be done to a call on `path`: COUNT (nothing), FAIL, SHORT. */
static int strike(int kind, const char *name, const char *path) {
  size_t n = strlen(block->root);
  if (strncmp(path, block->root, n) || (path[n] && path[n] != '/')) return COUNT;
  if (!(block->counted & kind)) return COUNT;
  int k = ++block->calls;
  if (k <= CALLS) {
    const char *tail = path + n;
    size_t most = WORDS - 16, size = strlen(tail);
    snprintf(block->log[k - 1], WORDS, "%s %s", name, size > most ? tail + size - most : tail);
  }
  if (k == block->at && block->deed != COUNT) {
    ++block->struck;
    if (block->deed == KILL) {
      kill(getpid(), SIGKILL);
      for (;;) pause();
    }
    if (block->deed == GONE) {
      nftw(block->victim, gone, 16, FTW_DEPTH | FTW_PHYS);
      return COUNT;
    }
    if (block->deed == CUT || block->deed == SPOIL) {
      written_over(block->victim, block->deed);
      return COUNT;
    }
    if (block->deed == SHORT && kind != WRITE) return COUNT;
    if (block->deed == FAIL) errno = block->error;
    return block->deed;
  }
  if (block->at && k > block->at && (block->after & kind)) {
    ++block->struck;
    errno = block->error;
    return FAIL;
  }
  return COUNT;
}

static int ready(void) {
  return block && block->armed && (!block->process || block->process == getpid());
}

static int on_path(int kind, const char *name, int at, const char *path) {
  char where[PATH_MAX];
  int saved = errno, deed = COUNT;
  if (ready() && place(at, path, where)) deed = strike(kind, name, where);
  if (deed == COUNT) errno = saved;
  return deed;
}

static int on_fd(int kind, const char *name, int fd) {
  char where[PATH_MAX];
  int saved = errno, deed = COUNT;
  if (ready() && place_of(fd, where)) deed = strike(kind, name, where);
  if (deed == COUNT) errno = saved;
  return deed;
}

/* Open files that were written since they were synced: only of those a close may bring bad news. */
static _Atomic char dirty[1 << 16];

static int written(int fd) {
  if (fd >= 0 && fd < (int)sizeof dirty) dirty[fd] = 1;
  return on_fd(WRITE, "write", fd);
}

static int synced(int fd) {
  struct stat found;
  char where[PATH_MAX];
  int saved = errno, deed = COUNT;
  if (fd >= 0 && fd < (int)sizeof dirty) dirty[fd] = 0;
  if (ready() && place_of(fd, where)) {
    int names = !fstat(fd, &found) && S_ISDIR(found.st_mode);
    deed = strike(names ? NAMES : SYNC, names ? "names" : "sync", where);
  }
  if (deed == COUNT) errno = saved;
  return deed;
}

static int opening(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) ? OPEN : READ;
}

#define MODE_OF(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

#define OPENER(name) \
  int name(const char *path, int flags, ...) { \
    MODE_OF(flags) \
    REAL(int, #name, const char *, int, ...); \
    int kind = opening(flags); \
    if (on_path(kind, kind == OPEN ? "open" : "read", AT_FDCWD, path) == FAIL) return -1; \
    return real(path, flags, mode); \
  }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name) \
  int name(int at, const char *path, int flags, ...) { \
    MODE_OF(flags) \
    REAL(int, #name, int, const char *, int, ...); \
    int kind = opening(flags); \
    if (on_path(kind, kind == OPEN ? "open" : "read", at, path) == FAIL) return -1; \
    return real(at, path, flags, mode); \
  }
OPENER_AT(openat)
OPENER_AT(openat64)

DIR *opendir(const char *path) {
  REAL(DIR *, "opendir", const char *);
  if (on_path(LIST, "list", AT_FDCWD, path) == FAIL) return NULL;
  return real(path);
}

#define STREAM(name) \
  FILE *name(const char *path, const char *how) { \
    REAL(FILE *, #name, const char *, const char *); \
    int kind = strpbrk(how, "wa+") ? OPEN : READ; \
    if (on_path(kind, kind == OPEN ? "open" : "read", AT_FDCWD, path) == FAIL) return NULL; \
    return real(path, how); \
  }
STREAM(fopen)
STREAM(fopen64)

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  int deed = written(fd);
  if (deed == FAIL) return -1;
  return real(fd, data, deed == SHORT && size > 1 ? size / 2 : size);
}

/* What is read; libc's own streams are not seen. */
ssize_t read(int fd, void *data, size_t size) {
  REAL(ssize_t, "read", int, void *, size_t);
  if (on_fd(DATA, "data", fd) == FAIL) return -1;
  return real(fd, data, size);
}

#define PREAD(name) \
  ssize_t name(int fd, void *data, size_t size, off_t where) { \
    REAL(ssize_t, #name, int, void *, size_t, off_t); \
    if (on_fd(DATA, "data", fd) == FAIL) return -1; \
    return real(fd, data, size, where); \
  }
PREAD(pread)
PREAD(pread64)

#define PREADV(name) \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t where) { \
    REAL(ssize_t, #name, int, const struct iovec *, int, off_t); \
    if (on_fd(DATA, "data", fd) == FAIL) return -1; \
    return real(fd, parts, count, where); \
  }
PREADV(preadv)
PREADV(preadv64)

#define PWRITE(name) \
  ssize_t name(int fd, const void *data, size_t size, off_t where) { \
    REAL(ssize_t, #name, int, const void *, size_t, off_t); \
    int deed = written(fd); \
    if (deed == FAIL) return -1; \
    return real(fd, data, deed == SHORT && size > 1 ? size / 2 : size, where); \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  int deed = written(fd);
  if (deed == FAIL) return -1;
  return real(fd, parts, deed == SHORT && count > 1 ? count / 2 : count);
}

#define SENDFILE(name) \
  ssize_t name(int out, int in, off_t *where, size_t size) { \
    REAL(ssize_t, #name, int, int, off_t *, size_t); \
    int deed = written(out); \
    if (deed == FAIL) return -1; \
    return real(out, in, where, deed == SHORT && size > 1 ? size / 2 : size); \
  }
SENDFILE(sendfile)
SENDFILE(sendfile64)

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
  REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
  int deed = written(out);
  if (deed == FAIL) return -1;
  return real(in, from, out, to, deed == SHORT && size > 1 ? size / 2 : size, flags);
}

/* Calls on one open file, or on one path, that only fail or not. */
#define ON_FD(kind, word, name, type, params, ...) \
  type name params { \
    REAL(type, #name, __typeof__(fd) PLUS_##name); \
    if (on_fd(kind, word, fd) == FAIL) return -1; \
    return real(fd __VA_ARGS__); \
  }
#define PLUS_ftruncate , off_t
#define PLUS_ftruncate64 , off_t
#define PLUS_fallocate , int, off_t, off_t
#define PLUS_fallocate64 , int, off_t, off_t
#define PLUS_fchmod , mode_t
#define PLUS_flock , int
ON_FD(SIZE, "size", ftruncate, int, (int fd, off_t size), , size)
ON_FD(SIZE, "size", ftruncate64, int, (int fd, off_t size), , size)
ON_FD(SIZE, "size", fallocate, int, (int fd, int mode, off_t from, off_t size), , mode, from, size)
ON_FD(SIZE, "size", fallocate64, int, (int fd, int mode, off_t from, off_t size), , mode, from, size)
ON_FD(MODE, "mode", fchmod, int, (int fd, mode_t mode), , mode)
ON_FD(LOCK, "lock", flock, int, (int fd, int how), , how)

#define SYNCER(name) \
  int name(int fd) { \
    REAL(int, #name, int); \
    if (synced(fd) == FAIL) return -1; \
    return real(fd); \
  }
SYNCER(fsync)
SYNCER(fdatasync)
SYNCER(syncfs)

int close(int fd) { /* the file is closed, and the error is of what was written before */
  REAL(int, "close", int);
  int deed = COUNT;
  if (fd >= 0 && fd < (int)sizeof dirty && dirty[fd]) {
    dirty[fd] = 0;
    deed = on_fd(CLOSE, "close", fd);
  }
  int told = real(fd);
  if (deed != FAIL) return told;
  errno = block->error;
  return -1;
}

#define TRUNCATE(name) \
  int name(const char *path, off_t size) { \
    REAL(int, #name, const char *, off_t); \
    if (on_path(SIZE, "size", AT_FDCWD, path) == FAIL) return -1; \
    return real(path, size); \
  }
TRUNCATE(truncate)
TRUNCATE(truncate64)

#define PWRITEV(name) \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t where) { \
    REAL(ssize_t, #name, int, const struct iovec *, int, off_t); \
    int deed = written(fd); \
    if (deed == FAIL) return -1; \
    return real(fd, parts, deed == SHORT && count > 1 ? count / 2 : count, where); \
  }
PWRITEV(pwritev)
PWRITEV(pwritev64)

/* What is written through memory cannot fail later than here but by SIGBUS. */
#define MAPPER(name) \
  void *name(void *at, size_t size, int may, int flags, int fd, off_t from) { \
    REAL(void *, #name, void *, size_t, int, int, int, off_t); \
    int changes = (flags & MAP_SHARED) && (may & PROT_WRITE) && !(flags & MAP_ANONYMOUS); \
    if (changes && fd >= 0 && written(fd) == FAIL) return MAP_FAILED; \
    if (!changes && fd >= 0 && !(flags & MAP_ANONYMOUS) && on_fd(DATA, "data", fd) == FAIL) return MAP_FAILED; \
    return real(at, size, may, flags, fd, from); \
  }
MAPPER(mmap)
MAPPER(mmap64)

#define POSIX_FALLOCATE(name) \
  int name(int fd, off_t from, off_t size) { /* gives the errno back */ \
    REAL(int, #name, int, off_t, off_t); \
    if (on_fd(SIZE, "size", fd) == FAIL) return block->error; \
    return real(fd, from, size); \
  }
POSIX_FALLOCATE(posix_fallocate)
POSIX_FALLOCATE(posix_fallocate64)

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  if (on_path(RENAME, "rename", AT_FDCWD, to) == FAIL) return -1;
  return real(from, to);
}

int renameat(int at, const char *from, int to_at, const char *to) {
  REAL(int, "renameat", int, const char *, int, const char *);
  if (on_path(RENAME, "rename", to_at, to) == FAIL) return -1;
  return real(at, from, to_at, to);
}

int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
  if (on_path(RENAME, "rename", to_at, to) == FAIL) return -1;
  return real(at, from, to_at, to, flags);
}

int link(const char *from, const char *to) {
  REAL(int, "link", const char *, const char *);
  if (on_path(RENAME, "link", AT_FDCWD, to) == FAIL) return -1;
  return real(from, to);
}

int linkat(int at, const char *from, int to_at, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  if (on_path(RENAME, "link", to_at, to) == FAIL) return -1;
  return real(at, from, to_at, to, flags);
}

int symlink(const char *from, const char *to) {
  REAL(int, "symlink", const char *, const char *);
  if (on_path(RENAME, "link", AT_FDCWD, to) == FAIL) return -1;
  return real(from, to);
}

int symlinkat(const char *from, int at, const char *to) {
  REAL(int, "symlinkat", const char *, int, const char *);
  if (on_path(RENAME, "link", at, to) == FAIL) return -1;
  return real(from, at, to);
}

/* What is there already is said first, by every file system, and changes nothing. */
static int stands(int at, const char *path) {
  struct stat found;
  int saved = errno, there = !fstatat(at, path, &found, AT_SYMLINK_NOFOLLOW);
  errno = saved;
  return there;
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  if (!stands(AT_FDCWD, path) && on_path(MKDIR, "mkdir", AT_FDCWD, path) == FAIL) return -1;
  return real(path, mode);
}

int mkdirat(int at, const char *path, mode_t mode) {
  REAL(int, "mkdirat", int, const char *, mode_t);
  if (!stands(at, path) && on_path(MKDIR, "mkdir", at, path) == FAIL) return -1;
  return real(at, path, mode);
}

int mkfifo(const char *path, mode_t mode) {
  REAL(int, "mkfifo", const char *, mode_t);
  if (on_path(MKDIR, "mkfifo", AT_FDCWD, path) == FAIL) return -1;
  return real(path, mode);
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  if (on_path(UNLINK, "unlink", AT_FDCWD, path) == FAIL) return -1;
  return real(path);
}

int unlinkat(int at, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  if (on_path(UNLINK, "unlink", at, path) == FAIL) return -1;
  return real(at, path, flags);
}

int rmdir(const char *path) {
  REAL(int, "rmdir", const char *);
  if (on_path(UNLINK, "unlink", AT_FDCWD, path) == FAIL) return -1;
  return real(path);
}

int remove(const char *path) {
  REAL(int, "remove", const char *);
  if (on_path(UNLINK, "unlink", AT_FDCWD, path) == FAIL) return -1;
  return real(path);
}

int chmod(const char *path, mode_t mode) {
  REAL(int, "chmod", const char *, mode_t);
  if (on_path(MODE, "mode", AT_FDCWD, path) == FAIL) return -1;
  return real(path, mode);
}

int fchmodat(int at, const char *path, mode_t mode, int flags) {
  REAL(int, "fchmodat", int, const char *, mode_t, int);
  if (on_path(MODE, "mode", at, path) == FAIL) return -1;
  return real(at, path, mode, flags);
}

int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
  REAL(int, "utimensat", int, const char *, const struct timespec *, int);
  if (on_path(MODE, "mode", at, path) == FAIL) return -1;
  return real(at, path, times, flags);
}

int futimens(int fd, const struct timespec times[2]) {
  REAL(int, "futimens", int, const struct timespec *);
  if (on_fd(MODE, "mode", fd) == FAIL) return -1;
  return real(fd, times);
}

/* Names that libc makes up; what fails, fails as open and mkdir do. */
#define MADE_UP(name, type, params, ...) \
  type name params { \
    REAL(type, #name, char * PLUS_##name); \
    if (on_path(OPEN, "open", AT_FDCWD, pattern) == FAIL) return -1; \
    return real(pattern __VA_ARGS__); \
  }
#define PLUS_mkstemp
#define PLUS_mkstemp64
#define PLUS_mkostemp , int
#define PLUS_mkostemp64 , int
#define PLUS_mkstemps , int
#define PLUS_mkstemps64 , int
MADE_UP(mkstemp, int, (char *pattern))
MADE_UP(mkstemp64, int, (char *pattern))
MADE_UP(mkostemp, int, (char *pattern, int flags), , flags)
MADE_UP(mkostemp64, int, (char *pattern, int flags), , flags)
MADE_UP(mkstemps, int, (char *pattern, int tail), , tail)
MADE_UP(mkstemps64, int, (char *pattern, int tail), , tail)

char *mkdtemp(char *pattern) {
  REAL(char *, "mkdtemp", char *);
  if (on_path(MKDIR, "mkdir", AT_FDCWD, pattern) == FAIL) return NULL;
  return real(pattern);
}

/* The wall clock after a jump, in nanoseconds to add. */
static int64_t jump(void) {
  if (!ready() || !block->clock_at) return 0;
  return ++block->clock_calls >= block->clock_at ? block->clock_jump : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(int, "clock_gettime", clockid_t, struct timespec *);
  int told = real(clock, now);
  if (!told && clock == CLOCK_REALTIME) {
    int64_t all = now->tv_sec * 1000000000LL + now->tv_nsec + jump();
    now->tv_sec = all / 1000000000LL;
    now->tv_nsec = all % 1000000000LL;
  }
  return told;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  REAL(int, "gettimeofday", struct timeval *, void *);
  int told = real(now, zone);
  if (!told) now->tv_sec += jump() / 1000000000LL;
  return told;
}

time_t time(time_t *out) {
  REAL(time_t, "time", time_t *);
  time_t now = real(NULL) + jump() / 1000000000LL;
  if (out) *out = now;
  return now;
}
