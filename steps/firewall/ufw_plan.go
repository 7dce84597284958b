package firewall

import (
	"fmt"
	"io/fs"
	"net/netip"

	"postern/remote"
	"postern/seen"
	"postern/steps/does"
)

// plan is one rendering in the making: what was seen, what is wanted, and the new text of each file.
type plan struct {
	scene
	want      Policy
	after     settings
	four, six merged
	new       map[string]remote.File // by path, the files that get another text
	remove    []string               // files of ours that go
	script    string                 // the text of postern.init, "" for none
	live      []string               // the guide's rules that run and go
	notes     []string
}

// text is a file as it will be.
func (p *plan) text(path string) string {
	if f, ok := p.new[path]; ok {
		return f.Text
	}
	return p.file(path).Text
}

// put gives a file another text; the same text again is no change.
func (p *plan) put(path, text string, mode fs.FileMode) {
	old := p.file(path)
	if f, _ := p.found.File(path); f != nil && old.Text == text && old.Mode == mode {
		return
	}
	owner := old.Owner
	if owner == "" {
		owner = "root:root"
	}
	p.new[path] = remote.File{Text: text, Mode: mode, Owner: owner}
}

// files works out every file's new text.
func (p *plan) files() error {
	p.settings()
	forwards, err := p.guideNAT()
	if err != nil {
		return err
	}
	own := p.want
	own.Forwards = forwards
	p.script = natScript(own)
	if err := p.hook(); err != nil {
		return err
	}
	own = p.replacing()
	own.denyOut = p.after.output != "ACCEPT"
	p.four, p.six = merge(p.scene.four, own), merge(p.scene.six, own)
	for _, m := range []struct {
		path   string
		merged merged
		old    ufwFile
	}{{rules4Path, p.four, p.scene.four}, {rules6Path, p.six, p.scene.six}} {
		switch same := m.old.written && p.after.logs() == p.set.logs(); {
		case m.merged.changed && same:
			p.put(m.path, m.merged.file.keep(), p.file(m.path).Mode)
		case m.merged.changed || !same && p.after.enabled: // ufw itself would write it so at its next start
			p.put(m.path, m.merged.file.render(p.after), p.file(m.path).Mode)
		}
	}
	return nil
}

// logs is the part of the settings that user.rules depends on.
func (s settings) logs() [4]string { return [4]string{s.input, s.output, s.forward, s.loglevel} }

// settings sets the default policies, IPv6 and activation. guide: firewall, Configuring Default Policies.
func (p *plan) settings() {
	if !p.want.Enable {
		p.after = p.set
		return
	}
	defaults, conf := p.file(defaultsPath), p.file(confPath)
	text := defaults.Text
	set := func(now bool, key, value string) {
		if !now {
			text = does.Assignments.Put(text, does.Key{Name: key, Value: value})
		}
	}
	set(p.set.ipv6, "IPV6", "yes")
	set(p.set.input == "DROP", "DEFAULT_INPUT_POLICY", `"DROP"`)
	switch p.set.output {
	case "ACCEPT":
	case "DROP", "REJECT":
		p.notes = append(p.notes, "what goes out is denied by default, which stays as you chose it; rules of ours let out what this host needs: "+p.want.needs())
	default:
		set(false, "DEFAULT_OUTPUT_POLICY", `"ACCEPT"`)
	}
	switch {
	case p.set.forward == "ACCEPT" && p.want.KeepForward:
		p.notes = append(p.notes, "forwarding stays open for everything, as the guide sets it (guide.forward = replace closes it): whoever can send a packet to this host can have it passed on into the tunnel")
	case p.set.forward == "ACCEPT":
		p.notes = append(p.notes, "forwarding was open for everything, as the guide sets it, and gets closed but for what is forwarded on purpose (guide.forward = keep leaves it open); "+
			"whatever else relied on it (virtual machines, another VPN) needs a \"ufw route allow\" of its own; Docker brings its own rules")
		set(false, "DEFAULT_FORWARD_POLICY", `"DROP"`)
	default:
		set(p.set.forward == "DROP", "DEFAULT_FORWARD_POLICY", `"DROP"`)
	}
	if p.set.managed {
		p.notes = append(p.notes, "MANAGE_BUILTINS=yes in "+defaultsPath+" makes ufw empty every chain at each start, those of Docker and of other programs included")
	}
	p.put(defaultsPath, text, defaults.Mode)
	confText := conf.Text
	if !p.set.enabled {
		confText = does.Assignments.Put(confText, does.Key{Name: "ENABLED", Value: "yes"})
	}
	p.put(confPath, confText, conf.Mode)
	p.after = parseSettings(p.text(defaultsPath), p.text(confPath))
}

// guideNAT deals with the guide's block in before.rules and gives the forwards that our own chains are to do.
func (p *plan) guideNAT() ([]Forward, error) {
	old := p.file(before4Path)
	g := cutGuide(old.Text, p.want)
	keep := p.want.GuideNAT == "keep"
	var forwards []Forward
	for _, f := range p.want.Forwards {
		if !keep || !g.covers[f.Name] {
			forwards = append(forwards, f)
		}
	}
	if g.flushes != "" && len(forwards) > 0 && !(keep && len(g.cut) > 0) {
		return nil, fmt.Errorf("%s empties chains of the nat table at every start (%q), which takes our forwarding and Docker's away: remove that line", before4Path, remote.Clean(g.flushes).Line(80))
	}
	switch {
	case keep && len(g.cut) > 0:
		p.notes = append(p.notes, "the NAT rules of the guide in "+before4Path+" stay (guide.nat = replace takes them out): they multiply at every reload, outlive \"ufw disable\", and hide every client's address")
	case !keep:
		p.live = guideLive(p.now.Four, p.want)
		if len(g.cut) > 0 {
			p.put(before4Path, g.text, old.Mode)
			p.notes = append(p.notes, fmt.Sprintf("the guide's %d rules in %s are taken out, and rules in chains of our own do their work (guide.nat = keep leaves them)", len(g.cut), before4Path))
		}
		if n := len(p.live); n > 0 {
			p.notes = append(p.notes, fmt.Sprintf("%d running NAT rules of the guide are deleted, as many times as they had multiplied", n))
		}
	}
	return forwards, nil
}

// hook brings postern.init and ufw's hook to the policy.
func (p *plan) hook() error {
	old := p.file(hookPath)
	if p.script == "" {
		if f, _ := p.found.File(scriptPath); f != nil {
			p.remove = append(p.remove, scriptPath)
		}
		p.put(hookPath, does.PutBlock(old.Text, "", -1), old.Mode)
		return nil
	}
	text, err := withHook(old.Text)
	if err != nil {
		return err
	}
	if old.Mode&0o100 == 0 && !plainHook(old.Text) {
		return fmt.Errorf("%s holds commands of other people and is not executable, so they do not run today; to start our forwarding from it would run them too: "+
			"remove them, or make it executable (chmod 0750 %s)", hookPath, hookPath)
	}
	p.put(hookPath, text, old.Mode|0o110&(old.Mode>>2|0o100))
	p.put(scriptPath, p.script, 0o750)
	return nil
}

// way is how the operator came, which must go on being admitted: the zero way is none that was seen.
type way struct {
	from netip.Addr
	to   netip.Addr
	port int
	in   string // the interface of the address that it comes to
}

// wayIn is how the operator came.
func wayIn(found remote.Facts) way {
	access, _ := seen.SSH.Of(found)
	network, _ := seen.Addresses.Of(found)
	w := way{access.Client.Addr(), access.Server.Addr(), int(access.Server.Port()), ""}
	if in := network.Holder(w.to); ifaceName.MatchString(in) {
		w.in = in
	}
	return w
}
