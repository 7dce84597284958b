package seen

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
)

// rspamdSays is what rspamadm 3.8 printed on a host, of settings for all domains and for one.
const rspamdSays = `*** Section dkim_signing ***
sign_local = true;
use_redis = false;
path = "%DIR%/$domain.$selector.key";
path_map [
    "/etc/rspamd/a.map",
]
selector_map = "%DIR%/selectors.map";
domain {
    example.org {
        selectors [
            {
                path = "%DIR%/a.key";
                selector = "s1";
            }
            {
                path = "%DIR%/none.key";
                selector = "s2";
            }
        ]
    }
    example.net {
        selector = "one";
    }
}
sign_networks [
    "127.2.4.7",
]
selector = "usual";

*** End of section dkim_signing ***
`

// Which key a server signs with is found as the server finds it: settings of one domain, a map, those for all; and nothing of a private key
// is printed.
func TestSigners(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "%DIR%", dir)), 0o755); err != nil { //nolint:gosec // a script is to be run
			t.Fatal(err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it signs nothing
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := base64.StdEncoding.EncodeToString(der)
	for _, name := range []string{"a.key", "example.net.one.key", "example.com.usual.key", "mapped.org.m.key"} {
		put(name, private)
	}
	put("selectors.map", "other.org x\nmapped.org m\n")
	put("settings", rspamdSays)
	put("rspamadm", "#!/bin/sh\nexec sed 's/redis = false/redis = '$REDIS'/' %DIR%/settings\n")
	put("cat", "#!/bin/sh\necho rspamd\n") // of what runs
	ask := func(redis string) string {
		cmd := exec.Command("sh", "-c", signers, "sh", "example.org", "example.net", "example.com", "mapped.org")
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "REDIS="+redis)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	want := "example.org s1 " + public + "\nexample.org s2 \nexample.net one " + public + "\nexample.com usual " + public + "\nmapped.org m " + public + "\n"
	if got := ask("false"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := ask("true"); got != "" {
		t.Errorf("keys in a database are told from files: %s", got)
	}
}

func TestSigningKeys(t *testing.T) {
	ed := "MCowBQYDK2VwAyEAbc8ZecjiZYIpQFhO2sTxWO3aA+ANc7c+IvAS0U40MNg="
	list, err := Signing.Of(facts(map[string]string{"dkim": "== keys\nExample.org dkim " + aDKIM + "\nexample.org ed " + ed + "\nexample.org dkim " + aDKIM + "\nexample.org cut " + aDKIM[:40] + "\n"}))
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	for i, want := range []SigningKey{{"example.org", "dkim", "rsa", aDKIM}, {"example.org", "ed", "ed25519", "bc8ZecjiZYIpQFhO2sTxWO3aA+ANc7c+IvAS0U40MNg="}, {"example.org", "cut", "", ""}} {
		if list[i] != want {
			t.Errorf("%+v, want %+v", list[i], want)
		}
	}
	for _, bad := range []string{"example.org dkim a b", "example.org", "ex;ample.org dkim", "example.org \x1b[31m x", strings.Repeat("a.org b "+"\n", 1) + "x y z w"} {
		if list, err := Signing.Of(remote.Facts{Answers: map[string]remote.Answer{"dkim": {Out: "== keys\n" + bad + "\n== end\n"}}}); err == nil {
			t.Errorf("%q is taken for keys: %v", bad, list)
		}
	}
}
