# The sections that the reference suite reads. Each line of standard input goes to the console with the name of
# its section.
section() {
	awk -v prefix="_scs-test-$1: " '{ print prefix $0 }'
}

section entropy-avail </proc/sys/kernel/random/entropy_avail
rngtest -c 1000 </dev/random 2>&1 | section fips-test
systemctl status rngd 2>&1 | section rngd
{
	cat /sys/devices/virtual/misc/hw_random/rng_available
	dd if=/dev/hwrng bs=2 count=1 | od -An -tx1
} 2>&1 | section virtio-rng
echo _scs-test-end
