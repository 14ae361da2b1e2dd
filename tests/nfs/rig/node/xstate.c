/* Preloaded into User-Mode Linux 6.1 on CPUs with AMX.
 *
 * That kernel sets the floating-point registers of its processes with a buffer of 2,696 bytes.  A CPU with AMX has
 * 11,008 bytes of them, this machine's kernel refuses less, and process 1 of the node ends with a segmentation fault.
 * So fetch the whole state first, lay the given part over it, and set the whole.
 * The buffer is static because the stacks of that kernel are small, and it has one CPU.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define NT_X86_XSTATE 0x202

typedef long (*ptrace_function)(enum __ptrace_request, ...);

long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_function next;
    static char state[1 << 16];
    va_list arguments;

    va_start(arguments, request);
    int pid = va_arg(arguments, int);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (!next)
        next = (ptrace_function)dlsym(RTLD_NEXT, "ptrace");
    if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE) {
        struct iovec *given = data;
        struct iovec whole = {state, sizeof state};
        if (next(PTRACE_GETREGSET, pid, address, &whole) == 0 && whole.iov_len > given->iov_len) {
            memcpy(state, given->iov_base, given->iov_len);
            return next(request, pid, address, &whole);
        }
    }
    return next(request, pid, address, data);
}
