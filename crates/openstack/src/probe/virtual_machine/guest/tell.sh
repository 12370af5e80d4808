# tell WHAT FIGURES: a line of our own report.
tell() {
	echo "_scs-test-own-$1: $2"
}
