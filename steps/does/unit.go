package does

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
)

// Start is when a unit is started.
type Start int

// When units are started.
const (
	AtOnce   Start = iota // with the change, and at boot from the confirm on
	OnceKept              // only once the change is kept, and at boot: what it does is nothing to do under a guard
	ByOthers              // something else starts it: it is neither started nor enabled
	Never                 // it must not run, now or at boot; its file stays
)

// Unit is a systemd unit.
type Unit struct {
	Name   string
	Text   string   // of its file; empty for a unit that a package brings
	File   string   // where Text lies, such as a drop-in; the unit's own file when empty
	Config []string // the files it reads, or folders with a slash at their end: when one changes, it is restarted
	Reload bool     // it takes a change of Config up without a restart
	Starts Start
	Ends   string // what its ExecStop does, see ExecStop: an undo does it, too, since systemd knows it no more once the file is gone and anything was read anew
	Port   int    // TCP; once it is started, that somebody listens there is waited for, or a check would stand in for it and be in its way; 0: none
	When   string // with Never: it runs until the change is kept, and then ends if this command says so
	Title  string // made of what is done when empty
}

// ExecStop is the line of a unit's file that runs a command of the shell, without quotes, when it stops, whatever comes of it.
func ExecStop(command string) string {
	return "ExecStop=-/bin/sh -c '" + strings.ReplaceAll(command, "$", "$$") + "'"
}

// State is what systemd says of a unit.
type State struct{ Loaded, Active, Enabled bool }

// Reads asks systemd for its state, unless that is of no matter, and for the file.
func (u Unit) Reads() []remote.Query {
	var queries []remote.Query
	if u.Starts != ByOthers {
		queries = append(queries, remote.ReadUnit(u.Name))
	}
	if u.Text != "" {
		queries = append(queries, remote.ReadFile(u.file()))
	}
	return queries
}

func (u Unit) file() string { return cmp.Or(u.File, "/etc/systemd/system/"+u.Name) }

// Plan brings it to what is wanted.
func (u Unit) Plan(seen Seen) ([]remote.Change, error) {
	c, was := remote.Change{}, State{Loaded: true}
	err := match(unitName, u.Name, "a unit")
	if u.Ends == "" && strings.Contains(u.Text, "\nExecStop=") && err == nil {
		err = fmt.Errorf("%s does at its end what no undo knows of", u.Name)
	}
	if u.Text != "" && err == nil {
		var file []remote.Change
		if file, err = (File{Path: u.file(), Text: u.Text}).Plan(seen); len(file) > 0 {
			c = file[0]
		}
	}
	if u.Starts != ByOthers && err == nil {
		was, err = u.state(seen)
	}
	if c = u.change(c, was, seen.edits(u.Config)); err != nil || c.Do+c.Keep == "" {
		return nil, err
	}
	return []remote.Change{c}, nil
}

// change completes a change that may write the unit's file.
func (u Unit) change(c remote.Change, was State, stale bool) remote.Change {
	name, verb, title := remote.Quote(u.Name), "", "write "+c.Path
	const anyway = " 2>/dev/null || true\n" // an undo may come before what it takes back
	switch c.ID = id("unit", u.Name); {
	case u.Starts == Never:
		return u.Stop(was)
	case u.Starts == ByOthers, u.Starts == OnceKept && c.Path == "" && was.Active:
	case u.Starts == OnceKept:
		c.Keep, c.Undo = "systemctl restart "+name+"\n", "systemctl stop "+name+anyway+"systemctl reset-failed "+name+anyway
		if title = "start " + u.Name + " once all is kept"; was.Active {
			c.Undo = "systemctl restart " + name + "\n"
		}
	case !was.Active:
		verb, c.Undo = "start", "systemctl stop "+name+anyway+"systemctl reset-failed "+name+anyway
		if u.Ends != "" {
			c.Undo += "{ " + u.Ends + "; } || true\n"
		}
	case c.Path != "" || stale:
		if verb = "restart"; c.Path == "" && u.Reload {
			verb = "reload"
		}
		c.Undo, c.Risk = "systemctl "+verb+" "+name+"\n", remote.LoseMail
	}
	if verb != "" {
		title, c.Do = verb+" "+u.Name, "systemctl "+verb+" "+name+"\n"
	}
	if u.Port > 0 && (verb == "start" || verb == "restart") {
		c.Do += fmt.Sprintf("n=0; until ss -Hltn 'sport = :%d' | grep -q . || [ $((n += 1)) -gt 75 ]; do sleep 0.2; done\n", u.Port)
	}
	if u.Starts != ByOthers && !was.Enabled {
		switch {
		case c.Keep != "":
			title += ", and at every boot"
		case verb == "":
			title = "start " + u.Name + " at every boot"
		default:
			title += ", now and at every boot"
		}
		c.Keep += "systemctl -q enable " + name + "\n"
		c.Undo += "systemctl -q disable " + name + anyway
	}
	reload := "systemctl daemon-reload\n"
	if u.Starts == ByOthers {
		reload = Reread(u.Name)
	}
	switch {
	case c.Path == "" && u.Text != "": // the file is right, what runs is not: that is no state before us for an undo to come back to
		c.ID, c.Forget = c.ID+".run", true
	case c.Path == "":
	case was.Loaded:
		c.Do, c.Undo = reload+c.Do, reload+c.Undo
	default: // what has stopped is forgotten last
		c.Do, c.Undo = reload+c.Do, c.Undo+reload
	}
	c.Title = cmp.Or(u.Title, title)
	return c
}

// Reread is sh that has systemd read the files of all units again if it has read those of this one. That costs a small host more than all the
// rest of a change, and a unit that was not read is read when it is needed.
func Reread(unit string) string {
	return "known=$(systemctl list-units --all --state=loaded --plain --no-legend " + remote.Quote(unit) + ")\n[ -z \"$known\" ] || systemctl daemon-reload\n"
}

// Stop is the change that ends a unit, now and at boot, given how it stands.
func (u Unit) Stop(was State) remote.Change {
	name := remote.Quote(u.Name)
	c := remote.Change{ID: id("unit", u.Name), Title: cmp.Or(u.Title, "stop "+u.Name+" and no longer start it at boot; its file stays"), Risk: remote.LoseMail}
	if u.When != "" && (was.Active || was.Enabled) {
		c.Keep = "if " + u.When + "; then\n\tsystemctl stop " + name + "\n\tsystemctl disable " + name + "\nfi"
		if was.Enabled {
			c.Undo = "systemctl enable " + name + " 2>/dev/null || true\n"
		}
		if was.Active {
			c.Undo += "systemctl start " + name + " || true"
		}
		return c
	}
	if was.Enabled {
		c.Keep, c.Undo = "systemctl disable "+name, "systemctl enable "+name+" 2>/dev/null || true"
	}
	if was.Active {
		c.Do = "systemctl stop " + name + " || true"
		c.Undo = strings.TrimPrefix(c.Undo+"\nsystemctl start "+name+" || true", "\n")
	}
	return c
}

// state reads what systemctl show prints, and refuses a unit that cannot be brought up.
func (u Unit) state(seen Seen) (State, error) {
	out, err := seen.said("unit " + u.Name)
	v := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		v[key] = value
	}
	load := v["LoadState"]
	switch {
	case err != nil || u.Starts == Never:
	case load == "masked":
		err = fmt.Errorf("%s is masked: run systemctl unmask %s if that is not meant", u.Name, u.Name)
	case load != "loaded" && (u.Text == "" || load != "not-found"):
		err = fmt.Errorf("%s cannot be loaded (%q)", u.Name, remote.Clean(load).Line(20))
	}
	return State{
		Loaded:  load == "loaded",
		Active:  slices.Contains([]string{"active", "activating", "reloading"}, v["ActiveState"]),
		Enabled: !slices.Contains([]string{"", "disabled", "bad"}, v["UnitFileState"]),
	}, err
}
