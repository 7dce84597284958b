#!/bin/sh
# Prints what a host is like, one fact a line, so that two prints can be compared: every file under /etc with mode, owner and
# digest, the rules of both families in their order, the settings of the network, units, addresses, routes, and the tunnels.
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

find /etc /usr/local /var/lib/postern \( -type f -exec stat -c 'file %n %a %U:%G' {} \; -exec sha256sum {} \; \) -o \
	\( -type l -printf 'link %p %l\n' \) -o \( -type d -printf 'dir %p %m %u:%g\n' \) 2>/dev/null |
	sed 's/^\([0-9a-f]\{64\}\)  \(.*\)/text \2 \1/' | sort

# The order of chains is of no meaning, the order of the rules in one is.
for save in iptables-save ip6tables-save; do
	"$save" 2>/dev/null | awk -v p="$save" '
		/^\*/ { table = substr($1, 2) }
		/^:/ { chain = substr($1, 2); print p, table, chain, "000000 policy", $2 }
		/^-A/ { print p, table, $2, sprintf("%06d", ++n[table, $2]), $0 }'
done | sed 's/ \[[0-9:]*\]//' | sort

sysctl -a 2>/dev/null | grep '^net\.' | grep -v -e nf_conntrack_count -e '\.stable_secret' | sort | sed 's/^/sysctl /'

systemctl list-unit-files --no-legend --no-pager --plain | awk '{ print "unit-file", $1, $2 }' | sort
systemctl list-units --all --no-legend --no-pager --plain | awk '{ print "unit", $1, $3, $4 }' | sort

ip -o address | awk '{ $1 = ""; sub(/\\.*/, ""); print "address" $0 }' | sort
ip -o link | awk '{ sub(/@.*/, "", $2); print "link-up", $2, ($0 ~ /[<,]UP[,>]/) }' | sort
for f in -4 -6; do
	ip $f route show table all | sed -e 's/ expires [0-9]*sec//' -e "s/^/route $f /"
	ip $f rule | sed "s/^/rule $f /"
done | sort
command -v wg >/dev/null && wg show all dump 2>/dev/null | awk -F '\t' 'NF == 5 { print "tunnel", $1, $3, $4 ~ /./ } NF > 5 { print "peer", $1, $2, $5 }' | sort
dpkg-query -W -f 'package ${Package} ${Status}\n' | sort
true
