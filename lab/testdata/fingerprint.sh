#!/bin/sh
# Prints what a host is like, one fact a line, so that two prints can be compared. What changes by itself from one minute
# to the next is left out, and said here why.
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

# Every file, link and folder of the system's settings, with mode, owner and content.
find /etc /usr/local \( -type f -exec stat -c 'file %n %a %U:%G' {} \; -exec sha256sum {} \; \) -o \
	\( -type l -printf 'link %p %l\n' \) -o \( -type d -printf 'dir %p %m %u:%g\n' \) |
	sed 's/^\([0-9a-f]\{64\}\)  \(.*\)/text \2 \1/' | sort

# The rules of both families: the order in a chain counts, that of chains does not. Counters change with every packet. A
# built-in chain that accepts is what a table has that nobody filled, and a table comes to be when somebody looks at it.
for save in iptables-save ip6tables-save; do
	"$save" 2>/dev/null | sed 's/\[[0-9:]*\]//' | awk -v p="$save" '
		/^\*/ { table = substr($1, 2) }
		/^:/ && $2 != "ACCEPT" { print p, table, substr($1, 2), "policy", $2 }
		/^-A/ { print p, table, $2, sprintf("%06d", ++n[table, $2]), $0 }'
done | sort

# The settings of the network; nf_conntrack_count is how many connections there are just now, and the kernel draws a
# stable_secret for every tunnel that is made.
sysctl -a 2>/dev/null | sed -n '/nf_conntrack_count\|stable_secret/d; s/^net\./sysctl &/p' | sort

# What starts at boot, and what runs or has failed. A login brings user units, a stopped unit's slice stays, empty, and some run
# at the first boot after an update alone.
systemctl list-unit-files --no-legend --no-pager --plain | awk '{ print "at-boot", $1, $2 }' | sort
systemctl list-units --type=service,socket,timer,path,mount --state=active,failed --no-legend --no-pager --plain |
	awk '!/^(user@|user-runtime-dir@|run-user-|ldconfig|systemd-(update-done|sysusers|journal-catalog-update)\.)/ { print "runs", $1, $3, $4 }' | sort

# A tunnel's own link-local address follows from that secret.
ip -o address | sed 's|\(wg[0-9]* .*inet6 \)fe80:[^ ]*|\1fe80::DRAWN|' | awk '{ $1 = ""; sub(/\\.*/, ""); print "address" $0 }' | sort
ip -o link | awk '{ sub(/@.*/, "", $2); print "link", $2, ($0 ~ /[<,]UP[,>]/ ? "up" : "down") }' | sort
for f in -4 -6; do
	ip "$f" route show table all | sed -e 's/ expires [0-9]*sec//' -e 's/fe80:[^ ]* dev wg/fe80::DRAWN dev wg/' -e "s/^/route $f /"
	ip "$f" rule | sed "s/^/rule $f /"
done | sort

# The tunnels, without keys but public ones; one that was never told a port has drawn it.
if command -v wg >/dev/null; then
	wg show all dump 2>/dev/null | awk -F '\t' 'NF == 5 { print "tunnel", $1, $3, "port", ($3 == "(none)" ? "DRAWN" : $4) } NF > 5 { print "peer", $1, $2, $5 }' | sort
fi
dpkg-query -W -f 'package ${Package} ${Status}\n' | sort
