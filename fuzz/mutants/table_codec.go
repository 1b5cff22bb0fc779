package main

// table holds all mutants.
var table = concat(codecMutants)

func concat(lists ...[]mutant) (all []mutant) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// The kinds of bugs.
const (
	wrongBoundary = "wrong boundary"
	droppedCheck  = "dropped check"
	wrongCode     = "wrong code"
	offByOne      = "off by one"
	stateNotReset = "state not reset"
	errorLost     = "error swallowed"
	noDeadline    = "deadline not set"
	earlyReuse    = "buffer reused too early"
	dataRace      = "race"
	wrongOrder    = "wrong order"
	leak          = "leak"
)

var codecMutants = []mutant{
	{
		name: "unmasked-client-frame-taken", kind: droppedCheck, rule: "client-frame-unmasked", file: "header.go",
		old: "if mode == ServerMode && !h.masked() {", new: "if false {",
		targets: []string{"FuzzReadFrame"},
	},
}
