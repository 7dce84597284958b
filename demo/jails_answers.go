package demo

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/seen"
	seenpf "postern/seen/pf"
)

// rcUsual are FreeBSD's own defaults of rc.conf.
var rcUsual = map[string]string{"pf_enable": "NO", "pf_rules": "/etc/pf.conf", "pflog_enable": "NO", "pf_fallback_rules_enable": "NO", "gateway_enable": "NO", "ipv6_gateway_enable": "NO", "sshd_enable": "YES"}

// jailAnswers are what a FreeBSD host with jails says to each fact; to what is not here it has nothing to say.
var jailAnswers = map[string]func(h *Host, args []string) string{
	"system": func(*Host, []string) string {
		return section("kernel", "FreeBSD") + section("init", "other") + section("release", "ID=freebsd") + section("freebsd", "14.3-RELEASE-p2")
	},
	"addresses": func(h *Host, _ []string) string {
		text := "em0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500\n\tinet " + proxy4.String() + " netmask 0xffffff00\n\tinet6 " + proxy6.String() + " prefixlen 64\nlo0: flags=1008049<UP,LOOPBACK> metric 0 mtu 16384\n\tinet 127.0.0.1 netmask 0xff000000\n\tinet6 ::1 prefixlen 128\nlo1: flags=1008049<UP,LOOPBACK> metric 0 mtu 16384\n"
		for _, j := range jails {
			text += "\tinet " + j.four.String() + " netmask 0xffffffff\n"
		}
		return section("ifconfig", text) + section("default inet", "  interface: em0") + section("default inet6", "  interface: em0") + section("netstat", "Internet:\nDestination Gateway Flags Netif Expire\ndefault 203.0.113.1 UGS em0")
	},
	"ssh": answers["ssh"], "clock": answers["clock"], "privilege": answers["privilege"], "starting": answers["starting"], "capture": answers["capture"], "captured": answers["captured"], "lookup": answers["lookup"], "roots": answers["roots"],
	"listeners": func(*Host, []string) string {
		text := "USER COMMAND PID FD PROTO LOCAL ADDRESS FOREIGN ADDRESS\n0 sshd 31 4 tcp4 *:22 *:*\n0 sshd 31 5 tcp6 *:22 *:*\n"
		for _, j := range jails {
			for _, port := range slices.Sorted(maps.Keys(j.ports)) {
				text += fmt.Sprintf("0 %s 77 4 tcp4 %s:%d *:*\n", j.name, j.four, port)
			}
		}
		return section("sockstat", text)
	},
	"size": func(*Host, []string) string {
		return section("bytes", "8589934592") + section("swap", "Device 1K-blocks Used Avail Capacity\n/dev/ada0p2 2097152 0 2097152 0%") + section("disk", "Filesystem 1024-blocks Used Avail Capacity Mounted on\n/dev/ada0p3 41152736 4115273 37037463 10% /")
	},
	"tools": func(*Host, []string) string { return section("tools", "pf\nwireguard") },
	"sysctl": func(h *Host, _ []string) string {
		text := ""
		for _, name := range slices.Sorted(maps.Keys(h.jailed.live)) {
			text += name + " " + h.jailed.live[name] + "\n"
		}
		return section("live", text) + section("files", "")
	},
	"rcconf": func(h *Host, _ []string) string {
		value, set := "", ""
		for _, name := range slices.Sorted(maps.Keys(rcUsual)) {
			value += name + "=" + cmp.Or(h.jailed.rc[name], rcUsual[name]) + "\n"
			if h.jailed.rc[name] != "" {
				set += name + "\n"
			}
		}
		armed := ""
		if h.Open() != "" {
			armed = "yes"
		}
		return section("value", value) + section("set", set) + section("tunnels", "") + section("ours", "") + section("armed", armed) + section("refused", "")
	},
	"pf": func(h *Host, _ []string) string {
		running := "no"
		if h.jailed.running {
			running = "yes"
		}
		main, _ := h.jailed.pf()
		made := main.Expand(seenpf.R14)
		return section("running", running) + section("rules", strconv.Itoa(len(made.Translation)+len(made.Filter))) + section("ours", "0") + section("path", "/etc/pf.conf") + section("text", barred(h.text("/etc/pf.conf")))
	},
	"anchors": (*Host).pfHolds, "pfrules": (*Host).pfPrinted,
	"toaster": (*Host).jailsTold,
	"tunnel":  func(*Host, []string) string { return "== down\n" },
}

func init() {
	for _, name := range []string{"docker", "dpkg", "jails", "rules", "units"} {
		jailAnswers[name] = func(*Host, []string) string { return section("absent", "") }
	}
}

// barred is a text with a bar before each line.
func barred(text string) string {
	all := ""
	for line := range strings.Lines(text) {
		all += "|" + line
	}
	return all
}

var madePort = regexp.MustCompile(` port = (\d+) -> `)

// pfHolds is what pfctl prints of everything that pf holds, with counters.
func (h *Host) pfHolds([]string) string {
	k := h.jailed
	printed := func(anchor string, set *seenpf.Ruleset) (text string) {
		made := set.Expand(seenpf.R14)
		for _, m := range slices.Concat(made.Translation, made.Filter) {
			packets := 0
			if port := madePort.FindStringSubmatch(m.Text); port != nil {
				packets = k.counts[anchor+" "+port[1]]
			}
			text += "|" + m.Text + fmt.Sprintf("\n|  [ Evaluations: %d Packets: %d Bytes: %d States: 0 ]\n", packets, packets, packets*60)
		}
		return text
	}
	main, known := k.pf()
	text, tables := printed("", main), k.held(main)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		text += strings.TrimRight(fmt.Sprintf("table %s %d %s", name, len(tables[name]), strings.Join(tables[name], " ")), " ") + "\n"
	}
	all := section("rules", text)
	for _, name := range slices.Sorted(maps.Keys(known.Anchors)) {
		all += section("anchor "+name, printed(name, known.Anchors[name]))
	}
	return all
}

// held are the tables of the main rules.
func (k *jailed) held(main *seenpf.Ruleset) map[string][]string {
	tables := map[string][]string{}
	for _, st := range main.Statements {
		if st.Table != nil {
			tables[st.Table.Name] = nil
			for _, a := range st.Table.Addresses {
				tables[st.Table.Name] = append(tables[st.Table.Name], a.Prefix.String())
			}
		}
	}
	maps.Copy(tables, k.tables)
	return tables
}

// pfPrinted is what pfctl prints of the rules that run, without counters.
func (h *Host) pfPrinted([]string) string {
	if !h.jailed.running {
		return section("off", "")
	}
	main, known := h.jailed.pf()
	text, tables := section("skip", "lo0")+section("drops", "0")+section("main", printed(main)), h.jailed.held(main)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		text += section("table "+name, strings.Join(tables[name], "\n"))
	}
	for _, name := range slices.Sorted(maps.Keys(known.Anchors)) {
		text += section("anchor "+name, printed(known.Anchors[name]))
	}
	return text
}

// connections are those between jails: they are cut when pf begins to run, and nobody has connected since.
func (k *jailed) connections() string {
	if k.running {
		return "sockets\nstates"
	}
	return "172.16.15.9 172.16.15.15 24\n172.16.15.10 172.16.15.15 993\nsockets"
}

// jailsTold is what the host tells of its jails.
func (h *Host) jailsTold([]string) string {
	jls, conf, files, scripts := "", "", "", ""
	for _, j := range jails {
		jls += "name=" + j.name + " ip4.addr=" + j.four.String() + " ip6.addr=\n"
	}
	for _, file := range h.Paths() {
		switch {
		case path.Dir(file) == seen.JailConf:
			conf += "file " + file + "\n" + barred(h.text(file))
		case path.Base(path.Dir(file)) == "pf.conf.d":
			files += "file " + file + "\n" + barred(h.text(file))
		case path.Base(file) == seen.PFRule:
			scripts += file + " runs ours named tables\n"
		}
	}
	return section("jls", jls) + section("conf", conf) + section("files", files) + section("scripts", scripts) + section("feeders", "sshguard runs") + section("neighbours", "") + section("connections", h.jailed.connections())
}
