# What a guest tells about its network.

# The lines of standard input, each told of its own, or "none".
tell_lines() {
	some=
	while read -r line; do
		some=1
		tell "$1" "$line"
	done
	[ -n "$some" ] || tell "$1" none
}

# network VERSION...: waits until there is a default route of each of these versions of IP, or not for long.
network() {
	waited=0
	# DHCP and router advertisements may take a moment.
	for version in "$@"; do
		while [ "$waited" -lt 15 ] && [ -z "$(ip "-$version" route show default 2>/dev/null)" ]; do
			sleep 1
			waited=$((waited + 1))
		done
	done
	ip -o -4 address show scope global 2>/dev/null | awk '{ print $2, $4 }' | tell_lines address4
	ip -o -6 address show scope global 2>/dev/null | awk '{ print $2, $4 }' | tell_lines address6
	for version in 4 6; do
		# A route with several ways stands on one line, with backslashes in between.
		ip -o "-$version" route show default 2>/dev/null | awk '{ gsub(/\\/, " "); $1 = $1; print }' |
			tell_lines "route$version"
	done
}
