#!/bin/bash
# sshd runs this in place of every command, so that what a login gets and gives lies beside it, as it came out of the
# encryption: $at.in and $at.out. The command itself runs as it would have.
at=/var/tmp/wire/$$.$RANDOM
exec /bin/bash -c "$SSH_ORIGINAL_COMMAND" < <(exec tee "$at.in") > >(exec tee "$at.out") 2> >(exec tee "$at.err" >&2)
