# fips BLOCKS: judges random bytes from standard input by the tests of FIPS 140-2 (errata of 2001-10-10), in
# blocks of 20000 bits. The first 4 bytes only start the continuous test. Prints one line of figures:
# how many blocks were whole, how many of them failed, and how many failed each test.
fips() {
	dd bs=2500 count="$(($1 + 1))" 2>/dev/null | od -An -v -tu1 | awk '
	# What a byte does to runs that reach across bytes: its first and last bit, the lengths of the runs at
	# both ends, and the runs between them. Runs are counted in runs[2 * length + bit].
	BEGIN {
		for (b = 0; b < 256; b++) {
			n = 0; rest = b
			for (i = 8; i >= 1; i--) { bit[i] = rest % 2; n += bit[i]; rest = int(rest / 2) }
			ones[b] = n; high[b] = int(b / 16); low[b] = b % 16
			head[b] = bit[1]; tail[b] = bit[8]
			for (lead[b] = 1; lead[b] < 8 && bit[lead[b] + 1] == bit[1]; lead[b]++);
			for (trail[b] = 1; trail[b] < 8 && bit[8 - trail[b]] == bit[8]; trail[b]++);
			whole[b] = lead[b] == 8
			inner[b] = 0
			for (i = lead[b] + 1; i <= 8 - trail[b]; i += length_) {
				for (length_ = 1; bit[i + length_] == bit[i]; length_++);
				between[b, ++inner[b]] = 2 * length_ + bit[i]
			}
		}
		split("2315 1114 527 240 103 103", least); split("2685 1386 723 384 209 209", most)
		current = -1
	}
	{
		for (f = 1; f + 3 <= NF; f += 4) {
			if ($f == a && $(f + 1) == b && $(f + 2) == c && $(f + 3) == d && started) repeated = 1
			a = $f; b = $(f + 1); c = $(f + 2); d = $(f + 3)
			if (!started) { started = 1; continue }
			for (i = f; i < f + 4; i++) {
				x = $i
				seen[x]++
				if (head[x] == current) run += lead[x]
				else { runs[2 * run + current]++; run = lead[x]; current = head[x] }
				if (!whole[x]) { runs[2 * run + current]++; run = trail[x]; current = tail[x] }
			}
			if (++words == 625) finish()
		}
	}
	function finish(   x, i, n, k, bits, squares, bad, bad_runs, bad_long) {
		runs[2 * run + current]++
		for (x in seen) {
			n = seen[x]; bits += n * ones[x]
			nibble[high[x]] += n; nibble[low[x]] += n
			for (i = inner[x]; i > 0; i--) runs[between[x, i]] += n
		}
		for (x in nibble) { squares += nibble[x] * nibble[x]; nibble[x] = 0 }
		for (k in runs) {
			n = int(k / 2)
			if (n >= 26 && runs[k] > 0) bad_long = 1
			if (n > 0) count[k % 2, n > 6 ? 6 : n] += runs[k]
			runs[k] = 0
		}
		for (i = 1; i <= 6; i++) for (x = 0; x < 2; x++) {
			if (count[x, i] < least[i] || count[x, i] > most[i]) bad_runs = 1
			count[x, i] = 0
		}
		if (bits <= 9725 || bits >= 10275) { monobit++; bad = 1 }
		if (squares < 1563176 || squares > 1576928) { poker++; bad = 1 }
		if (bad_runs) { in_runs++; bad = 1 }
		if (bad_long) { long_run++; bad = 1 }
		if (repeated) { continuous++; bad = 1 }
		blocks++; failures += bad
		for (x in seen) delete seen[x]
		run = 0; current = -1; words = 0; repeated = 0
	}
	END {
		printf "blocks=%d failures=%d monobit=%d poker=%d runs=%d long-run=%d continuous-run=%d\n",
			blocks, failures, monobit, poker, in_runs, long_run, continuous
	}'
}
