package transcripts

import (
	"testing"

	"github.com/lesismal/nbio/nbhttp"
)

// An engine that was started can be stopped at once.
func TestStart(t *testing.T) {
	for range 30 {
		e := nbhttp.NewEngine(nbhttp.Config{NPoller: 4, ServerExecutor: here, ClientExecutor: here})
		if err := Start(e); err != nil {
			t.Fatal(err)
		}
		e.Stop()
	}
}
