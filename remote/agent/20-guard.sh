# Two watchdogs, each able to take the transaction back alone, and a guard for a reboot. All three belong to the host's
# init, not to the login that made them.

# watch starts both watchdogs of generation $2, due in $3 seconds and three seconds later. Extending makes a new generation.
watch() {
	printf '%s\n' "$2" >>"$O/generations" || return 1
	for w in a b; do
		after=$3
		[ $w = a ] || after=$((after + 3))
		if [ "$INIT" = systemd ]; then
			systemd-run --quiet --collect --unit="postern-$1-$2$w" --on-active="$after" --timer-property=AccuracySec=1s \
				-p KillMode=process /bin/sh "$O/agent" expire "$1" "$2" </dev/null >/dev/null 2>>"$O/log" 9<&- || return 1
		else
			sleeper "$1" "$2" $w "$after" || return 1
		fi
	done
}

# sleeper is a watchdog without systemd. It inherits a lock that lives as long as it does; the sleep inside must not hold
# that lock, or a killed watchdog would look alive.
sleeper() {
	: >>"$O/WATCH.$2$3" && exec 5<"$O/WATCH.$2$3" && flock -w 5 5 || return 1
	setsid /bin/sh -c 'sleep "$1" 5<&-; exec /bin/sh "$2" expire "$3" "$4" 5<&-' \
		watch "$4" "$O/agent" "$1" "$2" </dev/null >/dev/null 2>&1 9<&- &
	echo $! >"$O/PID.$2$3"
	exec 5<&-
}

# watched proves that both watchdogs of a generation are alive now.
watched() {
	for w in a b; do
		if [ "$INIT" = systemd ]; then
			systemctl is-active --quiet "postern-$1-$2$w.timer" || return 1
		else
			held "$O/WATCH.$2$w" || return 1
		fi
	done
}

# guarded says whether a watchdog that still has its say is there, or at work.
guarded() {
	read -r g 2>/dev/null <"$O/generation" || return 1
	for w in a b; do
		if [ "$INIT" = systemd ]; then
			systemctl is-active --quiet "postern-$1-$g$w.timer" && return 0
			systemctl is-active --quiet "postern-$1-$g$w.service" && return 0
		else
			held "$O/WATCH.$g$w" && return 0
		fi
	done
	return 1
}

# unwatch ends the watchdogs of a transaction whose folder is $2 that are not this process. A timer is stopped, never a service: that may be us.
unwatch() {
	while read -r g; do
		for w in a b; do
			if [ "$INIT" = systemd ]; then
				systemctl stop "postern-$1-$g$w.timer" >/dev/null 2>&1 9<&-
			elif held "$2/WATCH.$g$w" && read -r pid <"$2/PID.$g$w" && [ "$pid" != $$ ]; then
				kill -s KILL -- "-$pid" 2>/dev/null
			fi
		done
	done 2>/dev/null <"$2/generations"
}

UNIT=postern-boot.service

# guard_run is what a boot runs: the agent of the open change, or, when a crash left the guard behind, its own end.
guard_run() { printf '[ -e %s/agent ] && exec /bin/sh %s/agent boot; exec rm -f %s' "$O" "$O" "$(guard_files)"; }

guard_files() {
	case $INIT in
	systemd) printf %s "$ETC/systemd/system/sysinit.target.wants/$UNIT $ETC/systemd/system/$UNIT" ;;
	sysv) printf %s "$ETC/rcS.d/S01postern-boot $ETC/init.d/postern-boot" ;;
	esac
}

# boot_install makes the host run the boot verb before anything reads the files of a change. The unit is put in place by
# hand, because systemctl enable reloads every unit of the host, and only the next boot has to see it.
boot_install() {
	case $INIT in
	systemd)
		boot_unit >"$ETC/systemd/system/$UNIT" && mkdir -p "$ETC/systemd/system/sysinit.target.wants" &&
			ln -sf "../$UNIT" "$ETC/systemd/system/sysinit.target.wants/$UNIT"
		;;
	sysv)
		printf '#!/bin/sh\n%s\n' "$(guard_run)" >"$ETC/init.d/postern-boot" &&
			chmod 755 "$ETC/init.d/postern-boot" && ln -sf ../init.d/postern-boot "$ETC/rcS.d/S01postern-boot"
		;;
	*) return 1 ;;
	esac
}

# boot_unit orders itself before what reads firewall rules, sysctls, interfaces and units.
boot_unit() {
	cat <<-END
		[Unit]
		Description=Take back a change that nobody confirmed
		DefaultDependencies=no
		RequiresMountsFor=$D
		After=local-fs.target
		Before=sysinit.target network-pre.target ufw.service nftables.service netfilter-persistent.service
		Before=systemd-sysctl.service networking.service systemd-networkd.service docker.service ssh.service$(tunnels "$O")
		Wants=network-pre.target

		[Service]
		Type=oneshot
		TimeoutStartSec=600
		KillMode=process
		ExecStart=/bin/sh -c '$(guard_run)'

		[Install]
		WantedBy=sysinit.target
	END
}

# tunnels are the wg-quick units of the interfaces that the change writes files for.
tunnels() {
	for t in "$1"/c/*/path; do
		read -r t 2>/dev/null <"$t" || continue
		case $t in /etc/wireguard/*.conf)
			t=${t#/etc/wireguard/}
			printf ' wg-quick@%s.service' "${t%.conf}"
			;;
		esac
	done
}

# boot_sure proves that the guard would run at the next boot.
boot_sure() {
	case $INIT in
	systemd) systemctl is-enabled --quiet $UNIT 9<&- && boot_unit | cmp -s - "$ETC/systemd/system/$UNIT" ;;
	sysv) [ -x "$ETC/rcS.d/S01postern-boot" ] ;;
	*) return 1 ;;
	esac
}

# shellcheck disable=SC2046 # two paths without blanks
boot_remove() { rm -f $(guard_files); }
