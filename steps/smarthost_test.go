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
