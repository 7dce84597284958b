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
		return "sudo password on " + p.Host
	case remote.Password:
		return "login password on " + p.Host
	}
	return p.Host + " asks: " + text
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
