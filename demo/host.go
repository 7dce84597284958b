package demo

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"iter"
	"net/netip"
	"strings"
	"time"

	"postern/remote"
	"postern/run"
)

// Host is one simulated machine: files and changes as any fake of run's has them, and a kernel that runs what the files say.
type Host struct {
	*run.Fake
	w      *World
	kernel *kernel
	four   netip.Prefix
	six    netip.Prefix
	link   netip.Addr
	key    string // the fingerprint that its sshd shows
	bsd    *bsd   // of a FreeBSD host; else nil
	logins int

	mailLog []string // what its mail servers have logged
	extra   string   // Mailcow's extra.cf, as its Postfix has read it
}

// packages are the files that Debian's packages bring, one folder each; debian's are there from the start.
//
//go:embed packages
var packages embed.FS

// host makes one that is up.
func (w *World) host(name string, four, six netip.Addr, link string) *Host {
	h := &Host{w: w, four: netip.PrefixFrom(four, 24), six: netip.PrefixFrom(six, 64), link: netip.MustParseAddr(link), key: w.fingerprint()}
	h.Fake = &run.Fake{Name: name, Answer: h.answer, Do: h.do, Fault: h.breaks, Clock: w.Now,
		After: func(d time.Duration, f func()) func() bool { return time.AfterFunc(w.real(d), f).Stop },
		Exec:  func(_ context.Context, q remote.Query) (remote.Answer, error) { return h.answer(q), nil },
		Dial:  (&Dialer{w, h}).DialContext,
		Listen: func(_ context.Context, network, address string) (*remote.Listener, error) {
			return h.listen(network, address)
		},
	}
	h.unpack("debian")
	h.put("/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOq7nJ2Vb3Qm8h4cXy9dRk2tWz5aLpE7Uj0sM6Jmg1Yk ann@laptop\n", 0o600)
	if name == "mail" && !w.noMail {
		h.put(mailcowConf, freshMailcow, 0o600)
	}
	h.boot()
	return h
}

// fingerprint is the one of a fresh host key.
func (w *World) fingerprint() string {
	var b [32]byte
	w.rand(b[:])
	sum := sha256.Sum256(b[:])
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// Fingerprint is the SHA256:… of the key that the host's sshd shows.
func (h *Host) Fingerprint() string { return h.key }

// Restart ends everything on the host and starts it again.
func (h *Host) Restart() {
	h.Reboot()
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.boot()
}

// text is a file's, "" where there is none.
func (h *Host) text(path string) string {
	if f := h.File(path); f != nil {
		return f.Text
	}
	return ""
}

// put writes a file of root's.
func (h *Host) put(path, text string, mode fs.FileMode) {
	owner := "root:root"
	if h.bsd != nil {
		owner = "root:wheel"
	}
	h.Write(path, &remote.File{Text: text, Mode: mode, Owner: owner})
}

// installed is where a package leaves its name.
func installed(name string) string { return "/var/lib/dpkg/info/" + name + ".list" }

// has says whether a package is installed.
func (h *Host) has(name string) bool { return h.File(installed(name)) != nil }

// unpack installs a package. What a person has changed stays.
func (h *Host) unpack(name string) {
	h.put(installed(name), "", 0o644)
	fs.WalkDir(packages, "packages/"+name, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a package without files
		}
		to := strings.TrimPrefix(path, "packages/"+name)
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(to, ".rules") || strings.HasSuffix(to, ".init") {
			mode = 0o640
		}
		if text, err := packages.ReadFile(path); err == nil && h.File(to) == nil {
			h.put(to, string(text), mode)
		}
		return nil
	})
	if name == "ufw" {
		h.enable("ufw", true)
	}
}

const wantsFolder = "/etc/systemd/system/multi-user.target.wants/"

func wants(unit string) string { return wantsFolder + unit + ".service" }

// enabled says whether a unit starts at boot.
func (h *Host) enabled(unit string) bool { return h.File(wants(unit)) != nil }

// enable has a unit start at boot, or not.
func (h *Host) enable(unit string, yes bool) {
	if h.Write(wants(unit), nil); yes {
		h.put(wants(unit), "", 0o644)
	}
}

// confs are the interfaces that have a file of wg-quick's.
func (h *Host) confs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, path := range h.Paths() {
			if name, ok := strings.CutPrefix(path, h.wireguard()); ok && strings.HasSuffix(name, ".conf") && !yield(strings.TrimSuffix(name, ".conf")) {
				return
			}
		}
	}
}
