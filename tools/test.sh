#!/bin/bash
# Runs every test, shows go test's own lines, and ends with what was skipped and why. TIMEOUT is go test's (28m); PARALLEL is
# how many tests that mostly wait run side by side (as many as there are processors).
set -u -o pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
log=bin/test.log
go test -count=1 -timeout "${TIMEOUT:-28m}" ${PARALLEL:+-parallel "$PARALLEL"} -v ./... </dev/null 2>&1 | tee "$log"
code=$?
echo
if grep -q '^ *--- SKIP' "$log"; then
	echo "Skipped, and why:"
	# go test says the reason as the last line of a test before its result.
	awk '/^ *=== (RUN|CONT|NAME)/ { current = $3 }
		/^ +[a-z_0-9]+\.go:[0-9]+: / { l = $0; sub(/^ +[a-z_0-9]+\.go:[0-9]+: /, "", l); last[current] = l }
		/^ *--- SKIP: / { print "  " $3 ": " (last[$3] == "" ? "see above" : last[$3]) }' "$log" | sort -u
fi
echo "$(grep -c '^ *--- PASS' "$log") passed, $(grep -c '^ *--- FAIL' "$log") failed, $(grep -c '^ *--- SKIP' "$log") skipped"
exit "$code"
