package steps

import (
	"slices"
	"strings"
	"testing"

	"postern/seen"
	"postern/site"
	"postern/steps/provider"
)

// TestSmarthostTasks: with a smart host nobody writes letters about outgoing port 25, and the SPF record names it, or says what is to be asked for.
func TestSmarthostTasks(t *testing.T) {
	without, with := strange(t), strange(t, "smarthost.host=relay.example.net", "smarthost.user=ann")
	named := strange(t, "smarthost.host=relay.example.net", "smarthost.user=ann", "smarthost.spf=include:spf.example.net")
	for s, wanted := range map[*site.Site]bool{without: true, with: false, named: false} {
		tasks := hosterTasks(s, s.Host("proxy"), seen.Host{})
		if letter := slices.ContainsFunc(tasks, func(task Task) bool { return task.Check == "smtp.outbound" }); letter != wanted || len(tasks) < 1 || tasks[0].Check != "firewall.open" {
			t.Errorf("with the smart host %q: %+v", s.Smarthost.Host, tasks)
		}
	}
	for s, words := range map[*site.Site][]string{
		without: {"leaves by the proxy", "names proxy alone", "v=spf1 ip4:198.51.100.77 ~all"},
		with:    {"leaves by relay.example.net", "--set smarthost.spf=include:NAME --save", "v=spf1 ip4:198.51.100.77 ~all"},
		named:   {"leaves by relay.example.net", "names relay.example.net, by which all mail leaves", "v=spf1 ip4:198.51.100.77 include:spf.example.net ~all"},
	} {
		task := byHandTask(t, s, "dns.spf.kestrel.test")
		for _, word := range words {
			if !strings.Contains(task.Title+"\n"+task.Text+"\n"+task.Copy, word) {
				t.Errorf("no %q in %+v", word, task)
			}
		}
		if strings.Contains(task.Text, "smarthost.spf") != (s == with) {
			t.Errorf("what is answered is asked for, or what is not is not: %+v", task)
		}
	}
	if text := (provider.Provider{Name: "X", Out25: provider.Port25{Default: provider.Never}}).Port25Text(25); !strings.Contains(text, "smarthost.host") {
		t.Errorf("who never opens port 25 leaves no way out: %s", text)
	}
}

// byHandTask is the task of that ID.
func byHandTask(t *testing.T, s *site.Site, id string) Task {
	t.Helper()
	for _, task := range byHandTasks(t, s) {
		if task.ID == id {
			return task
		}
	}
	t.Fatalf("no task is called %q", id)
	return Task{}
}

// TestNeverOpened: who never opens the mail port is written no letter, and the task says what to do instead; a slip in a provider's name is told.
func TestNeverOpened(t *testing.T) {
	for id, want := range map[string]string{"google": "which is never opened", "netcup": "opened for proxy (netcup)", "hetzner": "opened for proxy (Hetzner)"} {
		s := strange(t, "host.proxy.provider="+id)
		task := hosterTasks(s, s.Host("proxy"), seen.Host{})[1]
		if !strings.Contains(task.Title, want) || (task.Copy != "") != (id == "hetzner") || !strings.Contains(task.Text, "smart") {
			t.Errorf("%s: %+v", id, task)
		}
	}
	for _, c := range []struct{ provider, smarthost, port, want string }{
		{"google", "", "587", "does not open outgoing port 25"}, {"google", "relay.example.net", "587", ""}, {"netcup", "", "587", ""},
		{"netcup", "relay.example.net", "587", "netcup blocks outgoing port 587 too"}, {"netcup", "relay.example.net", "2525", ""}, {"", "relay.example.net", "587", ""},
	} {
		s := strange(t, "host.proxy.provider="+c.provider, "smarthost.host="+c.smarthost, "smarthost.port="+c.port)
		if got := wayOut(s, s.Host("proxy")); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
	for id, want := range map[string]string{"hetzer": "did you mean hetzner?", "mynymbox": "so what is said holds for any"} {
		if text := unknownProvider(id); !strings.Contains(text, want) {
			t.Errorf("%s: %s", id, text)
		}
	}
}
