# Two watchdogs, each able to take the transaction back alone, and a guard for a reboot. All three belong to the host's
# init, not to the login that made them.

# watch starts both watchdogs, due in $2 seconds and three seconds later.
watch() { watchdog "$1" a "$2" && watchdog "$1" b $(($2 + 3)); }

# watched proves that both are alive now.
watched() { watchdog_due "$1" a b; }

# guarded says whether one that still has its say is there, or at work.
guarded() { watchdog_left "$1" a || watchdog_left "$1" b; }

# unwatch ends those of the transaction in folder $2 that are not this process.
unwatch() { watchdog_end "$1" "$2" a b; }
