package field

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "42 (a ) b) S 1 40 40 0 -1 4194304 1 2 3 4 150 50 7 3 20 0 1 0 100 1000 10"
	if used, in, err := parseStat(line, 40); used != 2100*time.Millisecond || !in || err != nil {
		t.Errorf("%v, %v, %v", used, in, err)
	}
	if used, in, err := parseStat(line, 1); used != 0 || in || err != nil {
		t.Errorf("another group: %v, %v, %v", used, in, err)
	}
	if _, _, err := parseStat("42 (a) S 1", 1); err == nil {
		t.Error("a short line was taken")
	}
}

// TestGroupCPU has a process of a group use some time.
func TestGroupCPU(t *testing.T) {
	p, err := launch([]string{"sh", "-c", "while :; do :; done"}, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for {
		used, err := p.cpu()
		if err != nil {
			t.Fatal(err)
		}
		if used >= 2*tick {
			return
		}
	}
}
