#!/bin/bash
# Runs every test, shows go test's own lines, and ends with what was skipped and why, and what failed. TIMEOUT is go test's (33m); PARALLEL is
# how many tests run side by side (3: those of the lab mostly wait).
set -u -o pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
log=bin/test.log
args=(-count=1 -timeout "${TIMEOUT:-33m}" -parallel "${PARALLEL:-3}" -v)
# go test shows one package while it runs and keeps the others back: the lab, which takes longest, has a command of its own.
# shellcheck disable=SC2046 # a list of names
go test -p 1 "${args[@]}" $(go list ./... | grep -v '/lab$') </dev/null >bin/rest.log 2>&1 &
rest=$!
trap "kill 0" INT # a shell keeps ^C from what it runs behind it
go test "${args[@]}" ./lab </dev/null 2>&1 | tee "$log"
code=$?
wait "$rest" || code=$?
tee -a "$log" <bin/rest.log
echo
if grep -q '^ *--- SKIP' "$log"; then
	echo "Skipped, and why:"
	# go test says the reason as the last line of a test before its result.
	awk '/^ *=== (RUN|CONT|NAME)/ { current = $3 }
		/^ +[a-z_0-9]+\.go:[0-9]+: / { l = $0; sub(/^ +[a-z_0-9]+\.go:[0-9]+: /, "", l); last[current] = l }
		/^ *--- SKIP: / { print "  " $3 ": " (last[$3] == "" ? "see above" : last[$3]) }' "$log" | sort -u
fi
if grep -q '^ *--- FAIL\|^panic: ' "$log"; then
	echo "Failed, and what they said:"
	# With -v a test's lines follow its own "=== RUN", "=== CONT" or "=== NAME".
	awk 'NR == FNR { if (/^ *--- FAIL: /) failed[$3]; next }
		/^ *=== (RUN|CONT|NAME|PAUSE)/ { current = $3; next }
		/^ *--- FAIL: |^panic: |^FAIL\t/ { print "  " $0; next }
		/^ *--- / { current = ""; next }
		current in failed && ++lines[current] <= 40 { print "  " current ": " $0 }' "$log" "$log"
fi
echo "$(grep -c '^ *--- PASS' "$log") passed, $(grep -c '^ *--- FAIL' "$log") failed, $(grep -c '^ *--- SKIP' "$log") skipped"
exit "$code"
