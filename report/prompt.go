package report

import (
	"fmt"
	"strings"

	"postern/remote"
)

// Masked says whether the answer to a question of a connection is a secret.
func Masked(p remote.Prompt) bool {
	return p.Kind != remote.HostKey && !(p.Kind == remote.Challenge && p.Echo)
}

// Asked is what a connection asks for, in words.
func Asked(p remote.Prompt) string {
	text := strings.TrimSpace(p.Text.String())
	switch p.Kind {
	case remote.Passphrase:
		return fmt.Sprintf("passphrase of the key %s, for %s", text, p.Host)
	case remote.Sudo:
		return "sudo password on " + p.Host + of(text)
	case remote.Su:
		return "password of root on " + p.Host
	case remote.Handed:
		return text
	case remote.Password:
		return "SSH password on " + p.Host + of(text)
	}
	return p.Host + " asks: " + text
}

// of says whose a password is.
func of(who string) string {
	if who == "" {
		return ""
	}
	return ", of " + who
}

// Refused says that the answer before was not taken, and whose it was; "" when none was given.
func Refused(p remote.Prompt) string {
	switch {
	case !p.Refused:
		return ""
	case p.Kind == remote.Challenge:
		return "refused: " + p.Host + " did not take that answer"
	}
	return "refused: that is not the " + Asked(p)
}

// HostKey shows a host key that was not seen before, and what to compare it with.
func HostKey(p remote.Prompt) []string {
	return []string{
		p.Host + " shows a host key that was not seen before:", "",
		"  " + strings.ReplaceAll(strings.TrimSpace(p.Text.String()), " SHA256:", "\n  SHA256:"), "",
		"Compare it with what this prints on the host's own console (the provider's panel has one):",
		"  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
	}
}
