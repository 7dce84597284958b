package firewall

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/seen/pf"
	"postern/site"
)

// filePFAnchor is the file of our own anchor, which a main file may load.
const filePFAnchor = "/etc/pf.postern.conf"

// askPFBoot compares what rc.conf and pf's file make of a start with what runs: every packet that the rules tell from others ends alike.
func askPFBoot(e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	q.Want = "rc.conf and a file of pf's that make what runs now"
	rc, err := seen.RCConf.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	if rc.Armed {
		return q.Skip(checks.Waiting)
	}
	k, err := knowledgeOf(e, h, v)
	if err != nil {
		return q.Cannot(err)
	}
	var wrong []string
	if starts := rc.Yes("pf_enable"); starts != k.pf.runs.Running {
		wrong = append(wrong, fmt.Sprintf("pf runs: %t, and starts at boot: %t (pf_enable=%s)", k.pf.runs.Running, starts, remote.Clean(rc.Value["pf_enable"]).Line(20)))
	} else if !starts {
		wrong = append(wrong, "pf does not start at boot (pf_enable)")
	}
	file := k.pf.file
	switch {
	case file.Text == "":
		wrong = append(wrong, file.Path+" is not there or empty: pf would start without rules")
	case rc.Refused != "":
		wrong = append(wrong, "pfctl refuses "+file.Path+": "+rc.Refused)
	}
	differs, unsure, err := k.atBoot(v)
	if err != nil {
		return q.Cannot(err)
	}
	if len(wrong) == 0 {
		wrong = differs
	}
	if h.Role == site.Proxy {
		more, err := k.gatewayAtBoot(v, rc)
		if err != nil {
			return q.Cannot(err)
		}
		wrong = append(wrong, more...)
	}
	if len(wrong) == 0 && len(unsure) > 0 {
		return q.Unknown(checks.Few(unsure), "a line of the file is not understood, or what it loads was not looked at")
	}
	return q.None(wrong, "pf starts at boot, and %s makes the rules that run", file.Path)
}

// atBoot names packets with which a start would deal in another way.
func (k knowledge) atBoot(v *checks.Vantage) (wrong, unsure []string, err error) {
	system, err := seen.Systems.Of(v.Facts)
	if err != nil {
		return nil, nil, err
	}
	release, known := pf.ReleaseOf(system.Release)
	if !known {
		return nil, nil, fmt.Errorf("which release of FreeBSD it is is not known")
	}
	h := k.pf.host
	h.Files, h.Anchors = map[string]pf.File{}, map[string]*pf.Ruleset{}
	if f, told := v.Facts.File(filePFAnchor); told && f != nil {
		h.Files[filePFAnchor] = pf.File{Text: f.Text}
	}
	for path, set := range k.pf.host.Anchors { // other programs load theirs anew
		if path != seen.FilterAnchor {
			h.Anchors[path] = set
		}
	}
	set := pf.Parse(k.pf.file.Text, "", h)
	if a := set.Accepts(release); a.Verdict != pf.Accepts {
		return nil, []string{fmt.Sprintf("%s, line %d: %s", k.pf.file.Path, a.Line, quote(a.Why))}, nil
	}
	k.tried(func(p seen.Packet) {
		now, then := k.pf.decide(p), fated(set, h, p)
		what := fmt.Sprintf("%d/%s from %s to %s", p.Port, p.Proto, p.Source(), p.Dst)
		switch {
		case now.Unsure || then.Unsure:
			k.once(&unsure, firstOf(then.Doubt.Rule, now.Doubt.Rule), "it cannot be told what becomes of "+what)
		case now.Verdict != then.Verdict || now.To != then.To:
			k.once(&wrong, firstOf(then.Rule, "no rule"), fmt.Sprintf("%s ends in %s now, and in %s after a reboot", what, now.Verdict, then.Verdict))
		}
	})
	return wrong, unsure, nil
}

// gatewayAtBoot compares the forwarding that runs with what rc.conf and the files of sysctl make of it.
func (k knowledge) gatewayAtBoot(v *checks.Vantage, rc seen.RC) (wrong []string, err error) {
	settings, err := seen.Sysctl.Of(v.Facts)
	if err != nil {
		return nil, err
	}
	for _, key := range forwardKeys(k.s, true) {
		set, now := "gateway_enable", settings.Live[key]
		if strings.Contains(key, "inet6") {
			set = "ipv6_gateway_enable"
		}
		boot := map[bool]string{true: "1", false: "0"}[rc.Yes(set)]
		for _, one := range settings.Files {
			if one.Key() == key { // read again late at boot
				boot = one.Value
			}
		}
		if boot != now {
			wrong = append(wrong, fmt.Sprintf("%s is %s and will be %s after a reboot", key, now, remote.Clean(boot).Line(10)))
		}
	}
	return wrong, nil
}

// stranger is somebody of one family whom no rule of pf names.
func (f *filter) stranger(usual netip.Addr) netip.Addr {
	if at := seen.Someone(netip.PrefixFrom(usual, usual.BitLen()-8), usual, f.set.Names(f.host)); at.IsValid() {
		return at
	}
	return usual
}
