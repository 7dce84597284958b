package demo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"postern/remote"
)

// script is one script of a change that a host is to run. What it does follows from the change's ID, and from the files, which
// are in place by then: the old ones again when it is an undo.
type script struct {
	remote.Change
	text string
	say  func(line string)
}

// effects are what the scripts of changes do beyond their files, by the change's ID without its step or with it, or by how it begins.
var effects = map[string]func(*Host, script) error{
	"packages":            (*Host).install,
	"wireguard.key":       (*Host).makeKey,
	"firewall.forwarding": (*Host).setSysctls,
	"firewall.activate": func(h *Host, s script) error {
		h.w.mu.Lock()
		h.ufwLoad()
		h.w.mu.Unlock()
		return h.setSysctls(s)
	},
	"user": (*Host).make, "dir": (*Host).make, "npm": (*Host).make,
	"haraka.probe": (*Host).make, "haraka.certificate": (*Host).make, "haraka.in": (*Host).make, "haraka.out": (*Host).make,
	"haraka.password": (*Host).keepPassword,
	"mailcow.compose": (*Host).bringUp, "haraka.postfix": (*Host).postfixAnew,
	"haraka.forgotten":  func(*Host, script) error { return nil },
	"unit":              (*Host).tellInit,
	"caddy.key":         (*Host).handKey,
	"caddy.certificate": (*Host).make,
	"caddy.handover":    (*Host).handOver,
	"caddy.reload":      (*Host).tellInit,
	"firewall.unit":     (*Host).tellInit,
	"wireguard.conf":    (*Host).tellInit,
	"wireguard.unit":    (*Host).tellInit,
	"wireguard.docker":  (*Host).tellInit,
	"wireguard.renamed": (*Host).tellInit,
}

// do runs a script of a change.
func (h *Host) do(c remote.Change, phase string, say func(string)) error {
	s := script{c, map[string]string{"do": c.Do, "undo": c.Undo, "keep": c.Keep}[phase], say}
	if s.text == "" {
		return nil // a test: whatever is planned is right
	}
	if h.bsd != nil {
		return h.doBSD(s)
	}
	_, what, _ := strings.Cut(c.ID, ".")
	begin, _, _ := strings.Cut(what, ".")
	for _, key := range []string{c.ID, what, c.Step + "." + begin, begin} {
		if effect := effects[key]; effect != nil {
			return effect(h, s)
		}
	}
	return fmt.Errorf("the demo does not know what %s does", c.ID)
}

// needs are the packages that others bring along.
var needs = map[string]string{"ufw": "iptables"}

var aptInstall = regexp.MustCompile(`apt-get install --no-install-recommends ((?:'[\w.+-]+' ?)+)`)

// install is apt at work, which takes its time.
func (h *Host) install(s script) error {
	found := aptInstall.FindStringSubmatch(s.text)
	if found == nil {
		return errors.New("no package is named")
	}
	for h.aptBusy() {
		s.say("waiting for another apt to finish: 612/unattended-upgr")
		h.w.wait(h.w.ctx, 5*time.Second)
	}
	if h.File(aptLists) == nil {
		s.say("reading the package lists")
		h.w.wait(h.w.ctx, 300*time.Millisecond)
		h.put(aptLists, "", 0o644)
	}
	s.say("installing " + found[1])
	for _, name := range strings.Fields(strings.ReplaceAll(found[1], "'", "")) {
		for _, one := range []string{needs[name], name} {
			if one == "" || h.has(one) {
				continue
			}
			if !h.w.wait(h.w.ctx, 400*time.Millisecond) {
				return context.Cause(h.w.ctx)
			}
			h.unpack(one)
		}
	}
	s.say("installed " + found[1])
	return nil
}

const aptLists = "/var/lib/apt/lists/trixie_main_Packages"

// aptBusy says whether another apt holds the lock.
func (h *Host) aptBusy() bool {
	w := h.w
	return w.faulty("apt") && h == w.Proxy && w.ctx.Err() == nil && w.Now().Sub(w.began) < busyFor
}

var keyFile = regexp.MustCompile(`(?:/usr/local)?/etc/wireguard/[\w=+.-]+\.key\b`)

// makeKey makes a private key where there is none, or takes it away.
func (h *Host) makeKey(s script) error {
	path := keyFile.FindString(s.text)
	switch {
	case strings.HasPrefix(s.text, "rm "):
		h.Write(path, nil)
	case h.File(path) == nil:
		var raw [32]byte
		h.w.rand(raw[:])
		h.put(path, base64.StdEncoding.EncodeToString(raw[:])+"\n", 0o600)
	}
	return nil
}

var passwordFile = regexp.MustCompile(`/opt/haraka-out/password\.[0-9a-f]{8}\b`)

// keepPassword puts the secret that was handed over into the file that the script names; an undo takes those away.
func (h *Host) keepPassword(s script) error {
	path, handed := passwordFile.FindString(s.text), h.File(remote.HandedPath)
	switch {
	case path != "" && handed != nil:
		h.put(path, handed.Text, 0o640)
		h.Write(remote.HandedPath, nil)
	case path == "":
		for _, one := range h.Paths() {
			if passwordFile.MatchString(one) {
				h.Write(one, nil)
			}
		}
	}
	return nil
}

var sysctlSet = regexp.MustCompile(`sysctl -qw '?([\w./-]+)=(\d+)`)

// setSysctls sets what the script names.
func (h *Host) setSysctls(s script) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, set := range sysctlSet.FindAllStringSubmatch(s.text, -1) {
		h.kernel.set(set[1], set[2])
	}
	return nil
}

var unitName = regexp.MustCompile(`systemctl (?:-q )?(start|restart|reload|stop|enable|disable) '?([\w@.-]+\.(?:service|path|timer))`)

// tellInit has init do to units what the script says. A tunnel comes up as its file says, or stays down where it has none.
func (h *Host) tellInit(s script) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, told := range unitName.FindAllStringSubmatch(s.text, -1) {
		told[2] = strings.TrimSuffix(told[2], ".service")
		link, tunnelled := strings.CutPrefix(told[2], "wg-quick@")
		switch told[1] {
		case "enable", "disable":
			h.enable(told[2], told[1] == "enable")
		case "stop":
			delete(h.kernel.started, told[2])
			h.layer()
			h.tunnelStop(link)
		case "start", "restart", "reload":
			if told[2] == "caddy" {
				h.webLoad()
			}
			h.kernel.started[told[2]] = !tunnelled
			h.layer()
			if h.tunnelStart(link); tunnelled && h == h.w.Mail && h.w.first("boot") {
				h.w.spawn(h.Restart)
			}
		}
	}
	return nil
}
