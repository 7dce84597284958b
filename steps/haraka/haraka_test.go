package haraka

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// texts are the files and units of a site's proxy, by path.
func texts(t *testing.T, answers ...string) map[string]string {
	t.Helper()
	s := answered(t, answers...)
	all := map[string]string{}
	for _, thing := range Table(s, s.Host("proxy"), Node{}).Things {
		switch thing := thing.(type) {
		case does.File:
			all[thing.Path] = thing.Text
		case does.Unit:
			all[thing.Name] = thing.Text
		}
	}
	return all
}

func answered(t *testing.T, answers ...string) *site.Site {
	t.Helper()
	s := site.Default()
	for _, line := range append([]string{"domain = example.org", "hostname = mail.example.org"}, answers...) {
		key, value, _ := strings.Cut(line, " = ")
		if err := site.Set(s, key, value); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Each plugin that is written is one that Haraka is told to load, whatever the answers.
func TestPluginsAreLoaded(t *testing.T) {
	for _, answers := range [][]string{nil, {"smarthost.host = relay.example.net", "smarthost.user = ann"}} {
		files, plugins := texts(t, answers...), 0
		for path := range files {
			dir, name, is := strings.Cut(path, "/plugins/")
			if is && !strings.Contains("\n"+files[dir+"/config/plugins"], "\n"+strings.TrimSuffix(name, ".js")+"\n") {
				t.Errorf("%v: %s is not loaded", answers, path)
			} else if is {
				plugins++
			}
		}
		if plugins < 3 {
			t.Errorf("%v: only %d plugins", answers, plugins)
		}
	}
}

func TestFiles(t *testing.T) {
	usual := texts(t)
	several := texts(t, "domains = example.net, xn--bcher-kva.example")
	six := texts(t, "host.proxy.public4 = 203.0.113.10", "host.proxy.public6 = 2001:db8:113::10")
	strange := texts(t, "ports.smtp = 2525", "ports.relay = 587", "ports.submission = 588", "tunnel.network = 10.77.0.0/24", "tunnel.proxy = 10.77.0.7", "tunnel.mail = 10.77.0.8", "tunnel.interface = mail0")
	for _, one := range []struct {
		in         map[string]string
		path, want string
	}{
		{usual, in + "/config/me", "mail.example.org\n"},
		{usual, out + "/config/me", "mail.example.org\n"},
		{usual, in + "/config/host_list", "example.org\n"},
		{usual, in + "/config/smtp.ini", "listen=0.0.0.0:25\nnodes=0\n"},
		{usual, in + "/config/smtp_forward.ini", "host=10.0.0.2\nport=25\nenable_tls=false\n"},
		{usual, out + "/config/smtp.ini", "listen=10.0.0.1:2526\nnodes=0\n"},
		{usual, out + "/config/relay_acl_allow", "10.0.0.2/32\n"},
		{usual, out + "/config/relay_dest_domains.ini", "[domains]\n" + `example.org = { "action": "continue", "nexthop": "127.0.0.1:25" }` + "\n"},
		{several, in + "/config/host_list", "example.org\nexample.net\nxn--bcher-kva.example\n"},
		{several, out + "/config/relay_dest_domains.ini", "[domains]\n" + `example.org = { "action": "continue", "nexthop": "127.0.0.1:25" }
example.net = { "action": "continue", "nexthop": "127.0.0.1:25" }
xn--bcher-kva.example = { "action": "continue", "nexthop": "127.0.0.1:25" }
`},
		{six, in + "/config/smtp.ini", "listen=[::]:25\nnodes=0\n"},
		{six, out + "/config/smtp.ini", "listen=10.0.0.1:2526\nnodes=0\npublic_ip=203.0.113.10\n"},
		{strange, in + "/config/smtp.ini", "listen=0.0.0.0:2525\nnodes=0\n"},
		{strange, in + "/config/smtp_forward.ini", "host=10.77.0.8\nport=2525\nenable_tls=false\n"},
		{strange, out + "/config/smtp.ini", "listen=10.77.0.7:587\nnodes=0\n"},
		{strange, out + "/config/relay_acl_allow", "10.77.0.8/32\n"},
		{strange, out + "/config/relay_dest_domains.ini", "[domains]\n" + `example.org = { "action": "continue", "nexthop": "127.0.0.1:2525" }` + "\n"},
	} {
		if got := one.in[one.path]; got != one.want {
			t.Errorf("%s:\n%s; want\n%s", one.path, got, one.want)
		}
	}
	// The right to a low port is had where one is listened on, and nowhere else.
	for _, one := range []struct {
		in    map[string]string
		unit  string
		right string
	}{{usual, In, "CAP_NET_BIND_SERVICE"}, {usual, Out, ""}, {strange, In, ""}, {strange, Out, "CAP_NET_BIND_SERVICE"}} {
		for _, key := range []string{"AmbientCapabilities", "CapabilityBoundingSet"} {
			if line := "\n" + key + "=" + one.right + "\n"; !strings.Contains(one.in[one.unit], line) {
				t.Errorf("%s lacks %q:\n%s", one.unit, line, one.in[one.unit])
			}
		}
	}
	if !strings.Contains(strange[Out], " wg-quick@mail0.service\n") {
		t.Errorf("it does not wait for the tunnel:\n%s", strange[Out])
	}
}

// TestSmarthost: mail for the world goes by it where there is one, mail for our domains as ever, and no plan has a password.
func TestSmarthost(t *testing.T) {
	with := []string{"smarthost.host = relay.example.net", "smarthost.user = 007"}
	usual, starttls, wrapped := texts(t), texts(t, with...), texts(t, append(with, "smarthost.port = 465")...)
	for path, text := range starttls {
		if path == Out || strings.HasPrefix(path, out) {
			continue
		}
		if text != usual[path] {
			t.Errorf("%s is changed by it:\n%s", path, text)
		}
	}
	s := answered(t, with...)
	file := seen.PasswordFile(s.Smarthost)
	if got, want := starttls[out+"/config/smarthost.json"], `{
  "host": "relay.example.net",
  "password": "`+file+`",
  "port": 587,
  "user": "007",
  "wrapped": false
}
`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got := wrapped[out+"/config/smarthost.json"]; got != strings.NewReplacer("587", "465", "false", "true").Replace(starttls[out+"/config/smarthost.json"]) {
		t.Errorf("wrapped: %s", got)
	}
	for path, want := range map[string]string{out + "/config/plugins": "relay\nas_it_came\nput_off\nsmarthost\n", out + "/plugins/smarthost.js": bySmarthost} {
		if starttls[path] != want {
			t.Errorf("%s is %q", path, starttls[path])
		}
	}
	if starttls[out+"/config/relay_dest_domains.ini"] != usual[out+"/config/relay_dest_domains.ini"] {
		t.Error("bounces do not go home any more")
	}
	if !strings.Contains(starttls[Out], "env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt node ") || strings.Contains(usual[Out], "NODE_EXTRA") {
		t.Errorf("it trusts nobody the host trusts:\n%s", starttls[Out])
	}
	if _, there := usual[out+"/plugins/smarthost.js"]; there {
		t.Error("a site without one gets the plugin")
	}
	if got := strings.Join(Node{}.packages(s), " "); got != "nodejs npm openssl ca-certificates" {
		t.Error(got)
	}
	c := password(s.Smarthost)
	if c.Secret != "password of 007 at relay.example.net" || !c.First || !strings.HasPrefix(file, out+"/password.") {
		t.Errorf("%+v, %s", c, file)
	}
	other := s.Smarthost
	if other.User = "008"; seen.PasswordFile(other) == file {
		t.Error("two accounts share a password")
	}
	if other = s.Smarthost; other.Host == "" || func() string { other.Port = 465; return seen.PasswordFile(other) }() != file {
		t.Error("one account has two passwords")
	}
}

// TestConnectionIsWhole: without one of its keys, Haraka dies of the first connection.
func TestConnectionIsWhole(t *testing.T) {
	files := texts(t)
	for dir, set := range map[string][]string{in: {"bytes=104857600", "show_version=false", "data_line_length=65536", "spool_dir=/var/tmp"},
		out: {"bytes=104857600", "show_version=false", "data_line_length=65536", "spool_dir=/var/tmp", "add_received=false"}} {
		var added []string
		had := map[string]int{}
		for line := range strings.Lines(connection) {
			had[line]++
		}
		for line := range strings.Lines(files[dir+"/config/connection.ini"]) {
			if had[line]--; had[line] < 0 {
				added = append(added, strings.TrimSpace(line))
			}
		}
		for line, n := range had {
			key, _, _ := strings.Cut(line, "=")
			if n > 0 && !strings.Contains(strings.Join(set, "\n"), key+"=") {
				t.Errorf("%s lacks %q", dir, line)
			}
		}
		for _, line := range set {
			if !strings.Contains(strings.Join(added, "\n")+"\n", line+"\n") {
				t.Errorf("%s does not set %s, but %q", dir, line, added)
			}
		}
		if len(added) != len(set) {
			t.Errorf("%s sets %q", dir, added)
		}
	}
}

// TestOneVersion: the folder, the lock file and the units are of the same one, and what we need of Haraka is not left to chance.
func TestOneVersion(t *testing.T) {
	var read struct {
		Packages map[string]struct {
			Version          string
			Optional         bool
			HasInstallScript bool
		}
	}
	if err := json.Unmarshal([]byte(lock), &read); err != nil {
		t.Fatal(err)
	}
	if v := read.Packages["node_modules/haraka"].Version; v != Version || !strings.HasSuffix(app, "/"+v) {
		t.Errorf("the lock file has Haraka %s, and %s is installed in %s", v, Version, app)
	}
	if p, is := read.Packages["node_modules/haraka-plugin-relay"]; !is || p.Optional {
		t.Error("the relay plugin may be missing")
	}
	for name, p := range read.Packages {
		if p.HasInstallScript && !p.Optional {
			t.Errorf("%s wants a script to run, and none does", name)
		}
	}
	for unit, text := range texts(t) {
		if strings.HasSuffix(unit, ".service") && !strings.Contains(text, "\nExecStart=/usr/bin/env node "+app+"/node_modules/haraka/bin/haraka -c ") {
			t.Errorf("%s runs another one:\n%s", unit, text)
		}
	}
	if !strings.Contains(probe().Do, "node - "+app+"/node_modules/haraka/bin/haraka\n") {
		t.Error("another one is probed")
	}
}

// TestPlanned: on a bare host everything that runs nothing is made first, and what was probed is not probed again.
func TestPlanned(t *testing.T) {
	s := answered(t)
	h := s.Host("proxy")
	f := remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{}}
	for _, q := range Reads(s, h) {
		a := remote.Answer{Code: 1}
		switch {
		case strings.HasPrefix(q.ID, "dir "):
			a = remote.Answer{Out: "below /opt\n"}
		case q.File == "" && !strings.HasPrefix(q.ID, "command "):
			a.Code = 0
		}
		f.Answers[q.ID] = a
	}
	plan := func(want does.Stage) string {
		t.Helper()
		stage, changes, err := Table(s, h, Node{}).Plan(f)
		if err != nil || stage != want {
			t.Errorf("stage %d, %v", stage, err)
		}
		var ids []string
		for _, c := range changes {
			ids = append(ids, strings.TrimPrefix(c.ID, "haraka."))
		}
		return strings.Join(ids, " ")
	}
	if got := plan(does.First); got != "packages user.haraka dir.opt.haraka-in.queue dir.opt.haraka-out.queue npm.opt.postern.haraka."+Version+" probe" {
		t.Error(got)
	}
	for id, said := range map[string]string{"packages nodejs npm openssl": "nodejs installed\nnpm installed\nopenssl installed\n",
		"user haraka":          "haraka:x:990:990::/nonexistent:/usr/sbin/nologin\nharaka:x:990:\n",
		"dir " + in + "/queue": "is 700 haraka:haraka\n", "dir " + out + "/queue": "is 700 haraka:haraka\n",
		"npm " + app: "whole\n", app + "/package-lock.json": lock, "command probe": "",
		"unit " + In: "LoadState=not-found\nActiveState=inactive\n", "unit " + Out: "LoadState=not-found\nActiveState=inactive\n"} {
		if _, asked := f.Answers[id]; !asked {
			t.Errorf("nobody asks for %q", id)
		}
		f.Answers[id] = remote.Answer{Out: said, Mode: 0o644, Owner: "root:root"}
	}
	if got := plan(does.Guarded); !strings.HasPrefix(got, "file.opt.haraka-in.config.connection.ini ") ||
		!strings.HasSuffix(got, " certificate in.secret out.secret forgotten unit.haraka-in.service unit.haraka-out.service") {
		t.Error(got)
	}
}

func TestNode(t *testing.T) {
	h := &site.Host{Name: "proxy"}
	for said, want := range map[string]struct {
		node    Node
		words   string
		refused bool
	}{
		"has v20.19.2\nnpm\noffers 20.19.2+dfsg-1+deb13u1\nend\n": {Node{"20.19.2", "20.19.2", true}, "", false},
		"has v24.15.0\nnpm\noffers 18.20.4+dfsg-1~deb12u1\nend\n": {Node{"24.15.0", "18.20.4", true}, "", false},
		"has \noffers 20.19.2+dfsg-1\nend\n":                      {Node{"", "20.19.2", false}, "", false},
		"has \noffers (none)\nend\n":                              {Node{}, "", false},
		"has \nend\n":                                             {Node{}, "", false},
		"has \x1b[2J\noffers $(id)\nend\n":                        {Node{}, "", false},
		"has \noffers 18.20.4+dfsg-1~deb12u1\nend\n":              {Node{"", "18.20.4", false}, "proxy would get Node.js 18.20.4, and Haraka 3.3.4 asks for 20: it works with", false},
		"has v12.22.12\noffers 12.22.12~dfsg-1\nend\n":            {Node{"12.22.12", "12.22.12", false}, "proxy has Node.js 12.22.12, which is too old for Haraka 3.3.4 (18 at least): ", true},
	} {
		n, err := NodeOf(remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{nodeQuery.ID: {Out: said}}})
		words, refused := n.TooOld(h)
		if err != nil || n != want.node || !strings.HasPrefix(words, want.words) || (words == "") != (want.words == "") || refused != want.refused {
			t.Errorf("%q: %+v, %v, %q, %v", said, n, err, words, refused)
		}
	}
	for _, cut := range []string{"", "has v20.19.2\n", "has v20.19.2\nnpm\nen"} {
		if n, err := NodeOf(remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{nodeQuery.ID: {Out: cut}}}); err == nil {
			t.Errorf("%q is %+v", cut, n)
		}
	}
	if own := (Node{Has: "24.15.0", Npm: true}).packages(site.Default()); strings.Join(own, " ") != "openssl" {
		t.Errorf("who has a Node of their own gets %q", own)
	}
}

func TestInTheWay(t *testing.T) {
	s := answered(t)
	at := func(process, addr string, port int) seen.Listener {
		a, _ := netip.ParseAddr(addr)
		return seen.Listener{Proto: "tcp", Addr: a, Port: port, Process: process}
	}
	got := InTheWay(s, s.Host("proxy"), []seen.Listener{at("node", "", 25), at("MainThread", "10.0.0.1", 2526), at("exim4", "127.0.0.1", 25), at("exim4", "::1", 25),
		at("sshd", "", 22), at("x", "127.0.0.1", 2526), {Proto: "udp", Port: 25, Process: "y"}, at("", "0.0.0.0", 2526)})
	if all := strings.Join(got, "\n"); all != "proxy: exim4 listens on port 25, which Haraka needs: stop it, and keep it from starting at boot; with guide.mta = replace that is done for you\n"+
		"proxy: something listens on port 2526, which Haraka needs: stop it, and keep it from starting at boot" {
		t.Error(all)
	}
	s.Guide.MTA = "replace"
	if got := InTheWay(s, s.Host("proxy"), []seen.Listener{at("exim4", "127.0.0.1", 25)}); len(got) > 0 || len(Replaced([]seen.Listener{at("exim4", "127.0.0.1", 25)})) != 1 {
		t.Errorf("it is replaced, and yet %q", got)
	}
}

func TestForeign(t *testing.T) {
	s := answered(t)
	of := func(said string) (Foreign, error) {
		return ForeignOf(s, s.Host("proxy"), remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{others.ID: {Out: said}}})
	}
	const ours = "haraka-in/config/me\nharaka-in/config/tls_key.pem\nharaka-in/plugins/xclient_full.js\nharaka-out/config/relay.ini\nharaka-out/config/internalcmd_key\n"
	if got, err := of(ours + "end\n"); err != nil || len(got.Paths) > 0 || got.Odd > 0 || got.Guide || len(got.Aside()) > 0 {
		t.Errorf("ours alone: %+v, %v", got, err)
	}
	got, err := of(ours + "haraka-in/config/host_list_regex\nharaka-out/plugins/tls.js\nharaka-in/node_modules\nharaka-in/config/relay.ini\nharaka-in/config/a b\nharaka-in/config/../../x\nharaka/config\nend\n")
	if want := "/opt/haraka-in/config/host_list_regex /opt/haraka-in/config/relay.ini /opt/haraka-in/node_modules /opt/haraka-out/plugins/tls.js"; err != nil || strings.Join(got.Paths, " ") != want || got.Odd != 2 || !got.Guide {
		t.Errorf("%+v, %v", got, err)
	}
	things := got.Aside()
	if len(things) != 2 {
		t.Fatalf("%+v", things)
	}
	changes, err := things[0].Plan(does.Seen{})
	if err != nil || len(changes) != 1 || !strings.HasSuffix(changes[0].Title, ": config/host_list_regex, config/relay.ini, node_modules") || !strings.Contains(changes[0].Do, "set -- 'config/host_list_regex' 'config/relay.ini' 'node_modules'\n") {
		t.Errorf("%+v, %v", changes, err)
	}
	for _, cut := range []string{"", "haraka-in/config/me\n", "haraka-in/config/me\nen"} {
		if got, err := of(cut); err == nil {
			t.Errorf("%q is %+v", cut, got)
		}
	}
}

// What is moved aside comes back, also when the move was cut short.
func TestAside(t *testing.T) {
	dir := t.TempDir()
	change := func() remote.Change {
		changes, err := aside{dir: dir, unit: "none.service", names: []string{"config/a", "b"}}.Plan(does.Seen{})
		if err != nil {
			t.Fatal(err)
		}
		return changes[0]
	}()
	sh := func(script string) string {
		cmd := exec.Command("sh", "-e")
		cmd.Stdin = strings.NewReader("systemctl() { :; }\n" + script + "\ncd " + dir + "; find . -type f | sort | tr '\\n' ' '")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := sh("mkdir -p " + dir + "/config; echo >" + dir + "/config/a; echo >" + dir + "/config/me"); got != "./config/a ./config/me " {
		t.Fatal(got)
	}
	if got := sh(change.Do); got != "./before-postern/config/a ./config/me " {
		t.Errorf("moved: %s", got)
	}
	if got := sh(change.Do + change.Undo + change.Undo); got != "./config/a ./config/me " {
		t.Errorf("moved back: %s", got)
	}
	if got := sh("ls " + dir); strings.Contains(got, "before-postern\n") {
		t.Errorf("left: %s", got)
	}
}
