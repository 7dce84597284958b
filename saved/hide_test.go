package saved

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each line of testdata/secrets.txt loses what is between the marks, and nothing else.
func TestSecretsAreHidden(t *testing.T) {
	data, err := os.ReadFile("testdata/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	between := regexp.MustCompile("«([^»]*)»")
	h := hider{key: []byte("a key")}
	secrets := 0
	for line := range strings.Lines(string(data)) {
		said := between.ReplaceAllString(line, "$1")
		want := between.ReplaceAllStringFunc(line, func(s string) string {
			secrets++
			return h.stand(strings.Trim(s, "«»"))
		})
		if got := h.text(said); got != want {
			t.Errorf("%s got  %s want %s", said, got, want)
		}
		if got := h.text(want); got != want {
			t.Errorf("hidden once more:\n%s got  %s", want, got)
		}
	}
	if secrets < 40 {
		t.Errorf("only %d secrets were tried", secrets)
	}
}

func TestPrivateKeysAreHidden(t *testing.T) {
	for _, kind := range []string{"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "} {
		begin, end := "-----BEGIN "+kind+"PRIVATE KEY-----", "-----END "+kind+"PRIVATE KEY-----"
		for _, said := range []string{
			"== key\n" + begin + "\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n" + end + "\n== end\n",
			"== key\n" + begin + "\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASC",
			`{"pem":"` + begin + `\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n` + end + `\n"}`,
		} {
			h := hider{key: []byte("a key")}
			got := h.text(said)
			if h.n != 1 || strings.Contains(got, "MIIE") || strings.Contains(got, "9w0B") {
				t.Errorf("%s\nreads, with %d hidden,\n%s", said, h.n, got)
			}
			if strings.Contains(said, "== end") && !strings.HasSuffix(got, end+"\n== end\n") {
				t.Errorf("what comes behind the key is lost:\n%s", got)
			}
		}
	}
}

// The same secret is hidden alike within a look, and otherwise in another one.
func TestTheSameSecretReadsTheSame(t *testing.T) {
	one, other := hider{key: []byte("one")}, hider{key: []byte("other")}
	a := one.text("password = Kn4ckw0rst")
	if b := one.text("token = Kn4ckw0rst"); strings.TrimPrefix(a, "password") != strings.TrimPrefix(b, "token") {
		t.Errorf("%s and %s: one secret reads as two", a, b)
	}
	if b := other.text("password = Kn4ckw0rst"); a == b {
		t.Errorf("%s under two keys: who has the file could try passwords", a)
	}
	if !Hides(a) || Hides("PrivateKey = redacted:0123456789abcdef") {
		t.Errorf("Hides(%q) is %v", a, Hides(a))
	}
}
