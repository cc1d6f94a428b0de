// Tells the thread sanitizer of the order that a contended Synchronization.Mutex establishes.
//
// The fast path of the mutex is an atomic instruction in our own code, which the sanitizer sees.
// When two threads meet, the Swift library lets the kernel hand the lock over (FUTEX_LOCK_PI), of
// which it sees nothing, and what the lock protects looks like a race. This library stands in front
// of the two slow paths, does what they do, and reports the order: nothing is suppressed.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

typedef __attribute__((swiftcall)) void Lock(uint32_t, __attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) void Unlock(__attribute__((swift_context)) void *);

/// Absent in the tools that run the tests.
__attribute__((weak)) void __tsan_acquire(void *);
__attribute__((weak)) void __tsan_release(void *);

static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

__attribute__((swiftcall)) void lockSlow(uint32_t thread, __attribute__((swift_context)) void *)
    __asm__(LOCK_SLOW);
__attribute__((swiftcall)) void unlockSlow(__attribute__((swift_context)) void *)
    __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void lockSlow(
    uint32_t thread, __attribute__((swift_context)) void *mutex) {
    static Lock *original;
    if (!original) original = (Lock *)next(LOCK_SLOW);
    original(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) void unlockSlow(__attribute__((swift_context)) void *mutex) {
    static Unlock *original;
    if (!original) original = (Unlock *)next(UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(mutex);
    original(mutex);
}
