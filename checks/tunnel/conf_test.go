package tunnel

import (
	"testing"

	"postern/seen"
)

func FuzzConf(f *testing.F) {
	f.Add("[Interface]\nListenPort = 1\n[Peer]\nPublicKey = x\nAllowedIPs = 10.0.0.2/32")
	f.Fuzz(func(t *testing.T, text string) {
		differs(confOf("wg0", text), seen.WireGuard{Peers: map[string]*seen.Peer{}})
	})
}
