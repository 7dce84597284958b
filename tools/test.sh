#!/bin/bash
# Runs every test, shows go test's own lines, and ends with what was skipped and why, and what failed. TIMEOUT is go test's (36m); PARALLEL is
# how many tests run side by side (6: those of the lab mostly wait).
set -u -o pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
log=bin/test.log
args=(-count=1 -timeout "${TIMEOUT:-36m}" -parallel "${PARALLEL:-6}" -v)
# go test shows one package while it runs and keeps the others back: the lab, which takes longest, has a command of its own.
go list ./... | grep -v '/lab$' | xargs go test -p 1 "${args[@]}" >bin/rest.log 2>&1 &
rest=$!
trap "kill 0" INT # a shell keeps ^C from what it runs behind it
go test "${args[@]}" ./lab </dev/null 2>&1 | tee "$log"
code=$?
wait "$rest" || code=$?
tee -a "$log" <bin/rest.log
echo
# With -v a test's lines follow its own "=== RUN", "=== CONT" or "=== NAME"; the last one before its result says why it was skipped.
awk '/^ *=== (RUN|CONT|NAME|PAUSE) / { current = $3; next }
	/^ *--- SKIP: / { skipped = skipped "\n  " $3 ": " said[$3, n[$3]] }
	/^ *--- FAIL: / { failed = failed "\n" $0; for (i = n[$3] > 40 ? n[$3] - 40 : 1; i <= n[$3]; i++) failed = failed "\n    " said[$3, i] }
	/^panic: |^FAIL\t/ { failed = failed "\n" $0 }
	/^ *--- / { current = ""; next }
	current { sub(/^ +/, ""); said[current, ++n[current]] = $0 }
	END { if (skipped) print "Skipped, and why:" skipped; if (failed) print "Failed, and what they said last:" failed }' "$log"
echo "$(grep -c '^ *--- PASS' "$log") passed, $(grep -c '^ *--- FAIL' "$log") failed, $(grep -c '^ *--- SKIP' "$log") skipped"
exit "$code"
