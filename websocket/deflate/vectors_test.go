package deflate

import (
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// The shared vectors of the negotiation: as a server for any configuration, and as a
// client for those offers that a client of ours makes.
func TestVectorsNegotiation(t *testing.T) {
	all, err := vector.LoadNegotiations()
	if err != nil {
		t.Fatal(err)
	}
	offers := map[string]Config{}
	var configs []Config
	for i := range 4 {
		for _, server := range []int{8, 9, 10, 11, 12, 13, 14, 15} {
			for _, client := range []int{8, 9, 10, 11, 12, 13, 14, 15} {
				c := Config{i&1 != 0, i&2 != 0, server, client}
				configs = append(configs, c)
				offers[canonical(Offer(c))] = c
			}
		}
	}
	clients := 0
	for i := range all {
		v := &all[i]
		for _, config := range configs {
			answer, _, ok, err := Accept(v.Offer, config)
			if (err != nil) != v.Refused || ok != (v.Wins > 0) {
				t.Errorf("%s, %s: accepted %t, %v; element %d wins, refused %t", v.Where(), v.ID, ok, err, v.Wins, v.Refused)
				break
			}
			var lines []string
			if ok {
				lines = []string{answer}
			}
			if v.Refused {
				break
			}
			if wrong := model.CheckAnswer(v.Offer, lines); wrong != nil {
				t.Errorf("%s, %s: the answer of %+v is %q: %v", v.Where(), v.ID, config, answer, wrong)
			}
		}
		config, ours := offers[canonical(strings.Join(v.Offer, ","))]
		if !ours {
			continue
		}
		clients++
		for _, right := range v.Right {
			if _, _, err := Check([]string{right}, config); err != nil {
				t.Errorf("%s, %s: the answer %q: %v", v.Where(), v.ID, right, err)
			}
		}
		for _, wrong := range v.Wrong {
			if _, ok, err := Check(wrong.Lines(), config); ok || err == nil {
				t.Errorf("%s, %s: the answer %q was taken, which breaks %s", v.Where(), v.ID, wrong.Answer, wrong.Rule)
			}
		}
	}
	if clients < 3 {
		t.Errorf("only %d of %d vectors have an offer of a client of ours", clients, len(all))
	}
}

// canonical is an offer without blanks and with its parameters in order.
func canonical(offer string) string {
	offer = strings.ReplaceAll(offer, " ", "")
	has := func(p string) string {
		for part := range strings.SplitSeq(offer, ";") {
			if name, _, _ := strings.Cut(part, "="); name == p {
				return part
			}
		}
		return ""
	}
	parts := []string{Name, has(serverNoContextTakeover), has(clientNoContextTakeover), has(serverMaxWindowBits), has(clientMaxWindowBits)}
	if n := strings.Count(offer, ";"); strings.Contains(offer, ",") || len(strings.Join(parts, ";")) != len(offer)+4-n {
		return offer
	}
	return strings.Join(parts, ";")
}
