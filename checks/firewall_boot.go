package checks

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"sort"
	"strings"

	"postern/remote"
	"postern/site"
)

func init() {
	register(Check{
		ID: "firewall.boot", Step: "firewall", Title: "After a reboot the firewall is as it is now",
		Guide: "firewall, Enable IP Forwarding; Enabling and Verifying the Firewall",
		Reads: reads(readUnits, readRules, readSysctl, readBoot, fileUfwConf, fileUfwUser, fileUfwUser6), Ask: linux(askBoot),
	})
}

// askBoot compares what the host's files will make of it with what runs.
func askBoot(ctx context.Context, e *Env) []Result {
	q := question{want: "files and units that make what runs now", fix: "firewall", likely: "it was set by hand and not kept, or a file was edited and not loaded"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		u, err := unitsOf(v.Facts)
		if err != nil {
			return q.cannot(err)
		}
		if u.armed {
			return q.skip(waiting)
		}
		w, err := e.ufw(ctx, v)
		if err != nil {
			return q.cannot(err)
		}
		if w.absent {
			return q.fail("ufw is not installed", "", "")
		}
		conf, known := v.Facts.File(fileUfwConf)
		if !known || conf == nil {
			return q.unknown(fileUfwConf+" could not be read", "")
		}
		var wrong []string
		starts := strings.EqualFold(setting(conf.Text, "ENABLED"), "yes") && u.enabled["ufw"] == "enabled"
		if starts != w.active {
			wrong = append(wrong, fmt.Sprintf("ufw runs: %t, and starts at boot: %t (ENABLED=%s, unit %s)", w.active, starts,
				remote.Clean(setting(conf.Text, "ENABLED")).Line(20), remote.Clean(u.enabled["ufw"]).Line(20)))
		} else if !starts {
			wrong = append(wrong, "ufw does not start at boot")
		}
		for _, compare := range []func() ([]string, error){
			func() ([]string, error) { return unlike(v.Facts) },
			func() ([]string, error) { return e.forwardingAtBoot(h, v.Facts) },
			func() ([]string, error) { return e.forwardsAtBoot(h, v.Facts) },
		} {
			more, err := compare()
			if err != nil {
				return q.cannot(err)
			}
			wrong = append(wrong, more...)
		}
		if len(wrong) > 0 {
			return q.fail(few(wrong), "", strings.Join(wrong, "\n"))
		}
		return q.ok("ufw starts at boot with the rules that run")
	}, site.Proxy, site.Mail)
}

// unlike compares ufw's rules in its files with those that run, both ways.
func unlike(f remote.Facts) ([]string, error) {
	var wrong []string
	for _, one := range []struct{ family, file string }{{"v4", fileUfwUser}, {"v6", fileUfwUser6}} {
		tables, err := tablesOf(f, one.family)
		if err != nil {
			return nil, err
		}
		file, known := f.File(one.file)
		if !known || file == nil {
			return nil, fmt.Errorf("%s could not be read", one.file)
		}
		kept, err := parseTables(withoutRemarks(file.Text))
		if err != nil || kept["filter"] == nil {
			return nil, fmt.Errorf("%s is not a rules file", one.file)
		}
		boot, now := userRules(kept["filter"]), userRules(tables["filter"])
		for text, n := range boot {
			if now[text] < n {
				wrong = append(wrong, fmt.Sprintf("%s has a rule that does not run: %s", one.file, text))
			}
		}
		for text, n := range now {
			if boot[text] < n {
				wrong = append(wrong, fmt.Sprintf("a rule runs that %s does not have: %s", one.file, text))
			}
		}
	}
	return sorted(wrong), nil
}

func withoutRemarks(text string) []string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// userRules counts the rules in the chains that hold ufw's own rules, in one spelling.
func userRules(t *table) map[string]int {
	count := map[string]int{}
	for _, r := range t.order {
		if strings.HasSuffix(r.chain, "-user-input") || strings.HasSuffix(r.chain, "-user-forward") || strings.HasSuffix(r.chain, "-user-output") {
			count[r.spelling()]++
		}
	}
	return count
}

// spelling is what a rule says, whichever tool wrote it down.
func (r rule) spelling() string {
	text := r.chain
	if r.proto != "" && r.proto != "all" {
		text += " " + r.proto
	}
	for _, side := range []struct {
		word string
		list []netip.Prefix
	}{{" from ", r.src}, {" to ", r.dst}} {
		for _, p := range side.list {
			if p.Bits() > 0 {
				text += side.word + p.String()
			}
		}
	}
	if r.in != "" {
		text += " in " + r.in
	}
	if r.out != "" {
		text += " out " + r.out
	}
	for _, p := range r.dports {
		text += fmt.Sprintf(" port %d:%d", p.first, p.last)
	}
	if len(r.states) > 0 {
		text += " " + strings.Join(r.states, ",")
	}
	return remote.Clean(text + " " + r.target).Line(160)
}

// forwardingAtBoot compares the forwarding that runs with what sysctl.d and then ufw will set.
func (e *Env) forwardingAtBoot(h *site.Host, f remote.Facts) ([]string, error) {
	s, err := parts(f, readSysctl)
	if err != nil {
		return nil, err
	}
	b, err := parts(f, readBoot)
	if err != nil {
		return nil, err
	}
	if h.Role != site.Proxy {
		return nil, nil // Docker switches it on for itself there
	}
	live, boot := values(s["live"]), bootValues(s["files"], b["ufwsysctl"])
	keys := []string{forward4}
	if e.Site.Tunnel.Network6.IsValid() {
		keys = append(keys, forward6)
	}
	var wrong []string
	for _, key := range keys {
		if at := blank(boot[key], "0"); at != live[key] {
			wrong = append(wrong, fmt.Sprintf("%s is %s and will be %s after a reboot", key, remote.Clean(live[key]).Line(10), remote.Clean(at).Line(10)))
		}
	}
	return wrong, nil
}

// bootValues is what sysctl settings come to at boot: files by name, the administrator's folder hiding others of the
// same name, and last what ufw sets when it starts.
func bootValues(files, ufw []string) map[string]string {
	type file struct{ name, path string }
	var order []file
	text := map[string][]string{}
	hidden := map[string]string{}
	for _, line := range files { // the query lists folders in their order of precedence
		where, setting, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name := path.Base(where)
		if other, seen := hidden[name]; seen && other != where {
			continue
		}
		if _, seen := hidden[name]; !seen {
			hidden[name] = where
			order = append(order, file{name, where})
		}
		text[where] = append(text[where], setting)
	}
	sort.Slice(order, func(i, j int) bool { return order[i].name < order[j].name })
	all := map[string]string{}
	take := func(lines []string) {
		for _, line := range lines {
			line = strings.TrimPrefix(strings.TrimSpace(line), "-")
			k, v, ok := strings.Cut(line, "=")
			if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
				continue
			}
			key := strings.ReplaceAll(strings.TrimSpace(k), "/", ".")
			if key == "net.ipv4.conf.all.forwarding" {
				key = forward4
			}
			all[key] = strings.TrimSpace(v)
		}
	}
	for _, f := range order {
		take(text[f.path])
	}
	take(ufw)
	return all
}

// forwardsAtBoot names forwarded ports that nothing sends on after a reboot.
func (e *Env) forwardsAtBoot(h *site.Host, f remote.Facts) ([]string, error) {
	b, err := parts(f, readBoot)
	if err != nil {
		return nil, err
	}
	if h.Role != site.Proxy {
		return nil, nil
	}
	var wrong []string
	for _, fw := range forwards(e.Site) {
		to := netip.AddrPortFrom(e.Site.Tunnel.Mail, uint16(fw.port)).String()
		kept := false
		for _, line := range b["dnat"] {
			where, text, _ := strings.Cut(line, "|")
			kind, file, _ := strings.Cut(where, " ")
			if text = strings.TrimSpace(text); strings.HasPrefix(text, "#") {
				continue
			}
			if strings.HasSuffix(file, ".init") && (kind != "executable" || b.one("hook") != "executable") {
				continue // ufw runs its hook only when it is executable
			}
			r := parseRule(text)
			kept = kept || r.target == "DNAT" && r.to == to && within(r.dports, fw.port)
		}
		if !kept {
			wrong = append(wrong, fmt.Sprintf("nothing that runs at boot sends %s %d on to %s", fw.name, fw.port, to))
		}
	}
	return wrong, nil
}
