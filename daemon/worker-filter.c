// SPDX-License-Identifier: GPL-3.0-or-later
/* worker-filter.c - the system calls of each role.
 *
 * A list of what is allowed, since a list of what is not grows old with every
 * kernel. What it lacks fails with EPERM, so that a library which tries
 * something new falls back or reports an error and no letter dies of it; the
 * calls of `fatal` end the process, since nothing that we link makes them and
 * what does is no longer us. Names that this machine's kernel does not have are
 * skipped.
 */
#include "worker-filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/* Memory, time, waiting, and descriptors that are already there. */
static const char *const always[] = {
	"read", "readv", "pread64", "preadv", "write", "writev", "close",
	"close_range", "lseek", "_llseek", "dup", "dup2", "dup3", "fcntl",
	"fcntl64", "poll", "ppoll", "select", "_newselect", "pselect6",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2",
	"pipe2", "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown",
	"getsockopt",
	/* memory; mmap and mprotect have rules of their own */
	"munmap", "mremap", "madvise", "brk", "futex", "set_robust_list",
	"rseq", "membarrier", "sched_yield", "sched_getaffinity",
	/* who and when */
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid",
	"getegid", "getrandom", "clock_gettime", "clock_getres",
	"clock_nanosleep", "nanosleep", "gettimeofday", "time", "uname",
	"sysinfo", "getrlimit", "getrusage", "getcwd", "umask",
	/* signals and the end */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn",
	"sigaltstack", "restart_syscall", "exit", "exit_group",
	/* reading files: letters, zone data, certificates, modules of the
	 * resolver */
	"open", "openat", "openat2", "stat", "lstat", "fstat", "newfstatat",
	"fstatat64", "statx", "statfs", "fstatfs", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getdents64", "fadvise64",
	NULL
};

/* Placing objects: see base/file.c and base/objects.c. */
static const char *const writing[] = {
	"pwrite64", "fsync", "syncfs", "fdatasync", "ftruncate", "fallocate", "mkdir",
	"mkdirat", "rename", "renameat", "renameat2", "link", "linkat",
	"unlink", "unlinkat", "fchmod", "flock", "copy_file_range", NULL
};

/* An end to what takes too long: see receive/watch.h. */
static const char *const watching[] = { "setitimer", NULL };

/* Names and connections; socket() has a rule of its own. bind() is for
 * `source`: without listen() nobody can come in. */
static const char *const network[] = {
	"connect", "bind", "getsockname", "getpeername", "setsockopt",
	"socketpair", "sendmmsg", "recvmmsg", NULL
};

static const char *const fatal[] = {
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv",
	"process_vm_writev", "kcmp", "pidfd_getfd", "listen", "accept",
	"accept4", "mount", "umount2", "move_mount", "open_tree", "fsopen",
	"mount_setattr", "pivot_root", "chroot", "unshare", "setns",
	"init_module", "finit_module", "delete_module", "bpf",
	"kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd",
	"io_uring_setup", "open_by_handle_at", "setuid", "setgid", "setreuid",
	"setregid", "setresuid", "setresgid", "setgroups", "capset",
	"personality", "iopl", "ioperm", NULL
};

struct filter {
	scmp_filter_ctx context;
	struct ch_error *err;
	int result;
};

/* One rule: `call` with `count` arguments compared. */
static void rule(struct filter *filter, uint32_t action, const char *call,
		 unsigned int count, const struct scmp_arg_cmp *compare)
{
	int number = seccomp_syscall_resolve_name(call);
	int result;

	if (number < 0) /* not on this architecture */
		return;
	result = seccomp_rule_add_array(filter->context, action, number, count,
					compare);
	if (result < 0 && filter->result == 0)
		filter->result = ch_error_errno(filter->err, -result,
						"seccomp rule for %s", call);
}

static void rules(struct filter *filter, uint32_t action,
		  const char *const *calls)
{
	for (; *calls; calls++)
		rule(filter, action, *calls, 0, NULL);
}

/* `call` is allowed where argument `n`, masked, is `value`. */
static void allow_value(struct filter *filter, const char *call,
			unsigned int n, uint64_t mask, uint64_t value)
{
	struct scmp_arg_cmp compare = {
		.arg = n,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = mask,
		.datum_b = value,
	};

	rule(filter, SCMP_ACT_ALLOW, call, 1, &compare);
}

/* No memory that can be written and then executed. */
static void allow_memory(struct filter *filter)
{
	static const char *const calls[] = { "mmap", "mmap2", "mprotect" };
	static const int protections[] = { 0, PROT_WRITE, PROT_EXEC };

	for (size_t i = 0; i < CH_COUNT(calls); i++)
		for (size_t j = 0; j < CH_COUNT(protections); j++)
			allow_value(filter, calls[i], 2,
				    PROT_WRITE | PROT_EXEC,
				    (uint64_t)protections[j]);
}

/* Signals to ourselves (abort, the crash test), limits to be read. */
static void allow_own_process(struct filter *filter)
{
	uint64_t self = (uint64_t)getpid();

	allow_value(filter, "kill", 0, UINT32_MAX, self);
	allow_value(filter, "tgkill", 0, UINT32_MAX, self);
	allow_value(filter, "prlimit64", 2, UINT64_MAX, 0);
	allow_value(filter, "ioctl", 1, UINT32_MAX, FIONREAD);
	allow_value(filter, "ioctl", 1, UINT32_MAX, FIONBIO);
	allow_value(filter, "ioctl", 1, UINT32_MAX, TCGETS);
}

/* pango looks for fonts in threads; a process of its own stays refused. */
static void allow_threads(struct filter *filter)
{
	static const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;

	allow_value(filter, "clone", 0, thread, thread);
}

/* The resolver asks nscd by a UNIX socket, and netlink for our addresses. */
static void allow_sockets(struct filter *filter)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX,
					AF_NETLINK };

	for (size_t i = 0; i < CH_COUNT(families); i++)
		allow_value(filter, "socket", 0, UINT32_MAX,
			    (uint64_t)families[i]);
	rules(filter, SCMP_ACT_ALLOW, network);
}

static void fill(struct filter *filter, enum ch_worker_role role)
{
	rules(filter, SCMP_ACT_KILL_PROCESS, fatal);
	rules(filter, SCMP_ACT_ALLOW, always);
	allow_memory(filter);
	allow_own_process(filter);
	if (role != CH_WORKER_IMPORT)
		allow_sockets(filter);
	if (role != CH_WORKER_RECEIVE)
		allow_threads(filter);
	else
		rules(filter, SCMP_ACT_ALLOW, watching);
	if (role != CH_WORKER_SEND)
		rules(filter, SCMP_ACT_ALLOW, writing);
	/* glibc falls back to clone(), whose arguments can be looked at, only
	 * at ENOSYS. */
	rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

int ch_worker_filter(enum ch_worker_role role, struct ch_error *err)
{
	struct filter filter = { seccomp_init(SCMP_ACT_ERRNO(EPERM)), err,
				 0 };
	int result;

	if (!filter.context)
		return ch_error_set(err, CH_GIVE_UP, "seccomp_init failed");
	/* A tree instead of a list: some calls are made for every letter. */
	seccomp_attr_set(filter.context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	fill(&filter, role);
	if (filter.result == 0) {
		result = seccomp_load(filter.context);
		if (result < 0)
			filter.result = ch_error_errno(err, -result,
						       "seccomp filter");
	}
	seccomp_release(filter.context);
	return filter.result;
}
