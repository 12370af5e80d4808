# What a guest tells about its randomness with nothing but what its image has: no network, no packages. POSIX
# shell and awk.

# Enough for a verdict, and no more than SECONDS: emulated guests are slow.
sample() {
	judged=0
	began=$(date +%s)
	while [ "$judged" -lt 1000 ]; do
		fips 50 <"$1" || return
		judged=$((judged + 50))
		[ $(($(date +%s) - began)) -lt "$2" ] || return
	done
}

# Sums up lines of NAME=COUNT.
sum() {
	awk '{
		for (f = 1; f <= NF; f++) {
			split($f, part, "=")
			if (!(part[1] in total)) name[++names] = part[1]
			total[part[1]] += part[2]
		}
	}
	END {
		for (n = 1; n <= names; n++) printf "%s=%d ", name[n], total[name[n]]
	}'
}

report() {
	entropy=$(cat /proc/sys/kernel/random/entropy_avail)
	tell entropy-avail "$entropy"
	tell kernel "$(uname -r)"
	tell machine "$(uname -m)"
	tell cpu-flags "$(awk -F: '/^(flags|Features)[ \t]*:/ {
		n = split($2, flag, " ")
		for (i = 1; i <= n; i++) if (flag[i] ~ /^(rdrand|rdseed|rng)$/) found = found " " flag[i]
		print found == "" ? "none" : substr(found, 2)
		exit
	}' /proc/cpuinfo)"

	# Before Linux 5.6 /dev/random makes readers wait, for minutes if need be.
	source=/dev/random
	case $(uname -r) in
	[0-4].* | 5.[0-5].* | 5.[0-5]-*) source=/dev/urandom ;;
	esac
	tell fips "$(sample "$source" 10 | sum)source=$source"
	echo "_scs-test-own-end"
}
