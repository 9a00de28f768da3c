#include "sys/boot.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

bool boot_read(char boot[BOOT_ROOM]) {
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, boot, BOOT_ROOM - 1) : -1;
	fd_close(&fd);
	boot[n > 0 ? n : 0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return boot[0] != '\0';
}
