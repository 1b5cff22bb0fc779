package wirefuzz

import (
	"fmt"

	"github.com/wsproof/wsproof/internal/model"
)

// A Level says how much a sighting weighs.
type Level string

// The levels. What RFC 6455 leaves open is no sighting.
const (
	Finding Level = "finding" // a MUST is broken, or the server came to harm
	Note    Level = "note"    // stricter than required, or otherwise than is typical
)

// A Kind is a behaviour.
type Kind string

// The kinds.
const (
	Accepts    Kind = "accepts"     // what the rule forbids
	PassesOver Kind = "passes over" // the frame that the rule forbids, and goes on
	Stays      Kind = "stays"       // it neither fails the connection nor goes on
	Refuses    Kind = "refuses"     // what is in order
	Stricter   Kind = "stricter"    // it refuses what binds the sender alone
	Loses      Kind = "loses"       // an echo or a pong does not come
	Alters     Kind = "alters"      // an echo is another one
	Reorders   Kind = "reorders"    // echoes
	Invents    Kind = "invents"     // it sends a message that nobody sent
	Sends      Kind = "sends"       // what it must not
	Unanswered Kind = "unanswered"  // no Close in response
	LeavesOpen Kind = "leaves open" // TCP
	Code       Kind = "code"        // an unusual close code
	Limit      Kind = "limit"       // it takes no message that large, or not so many frames
	Crashes    Kind = "crashes"     // the process ends
	Hangs      Kind = "hangs"       // it answers no more
	Grows      Kind = "grows"       // its memory
	Answers    Kind = "answers"     // a handshake, otherwise than it must
)

// Rules of RFC 6455 that the model has no name for, as it reads one side.
const (
	MessageReceived model.Rule = "message-received"
	CloseAnswered   model.Rule = "close-answered"
	NothingBehind   model.Rule = "nothing-behind-close"
	TCPClosed       model.Rule = "tcp-closed"
	FailedProperly  model.Rule = "connection-failed"
	TCPEnds         model.Rule = "tcp-ends"
	FrameWhole      model.Rule = "frame-whole"
	GoodData        model.Rule = "invalid-data"
	RequestRefused  model.Rule = "request-refused"
	VersionRefused  model.Rule = "version-refused"
	RequestTaken    model.Rule = "request-taken"
	ResponseRight   model.Rule = "response-right"
)

var ownRules = map[model.Rule]model.RuleInfo{
	MessageReceived: {Section: "6.2", Sentence: "If the frame comprises an unfragmented message (Section 5.4), it is said that _A WebSocket Message Has Been Received_ with type /type/ and data /data/."},
	CloseAnswered:   {Section: "5.5.1", Sentence: "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response."},
	NothingBehind:   {Section: "5.5.1", Sentence: "The application MUST NOT send any more data frames after sending a Close frame."},
	TCPClosed:       {Section: "5.5.1", Sentence: "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP connection immediately"},
	FailedProperly:  {Section: "7.1.7", Sentence: "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before proceeding to _Close the WebSocket Connection_."},
	TCPEnds:         {Section: "7.1.4", Sentence: "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_"},
	FrameWhole:      {Section: "6.1", Sentence: "The frame(s) that have been formed MUST be transmitted over the underlying network connection."},
	GoodData:        {Section: "10.7", Sentence: "Incoming data MUST always be validated by both clients and servers."},
	RequestRefused:  {Section: "4.2.1", Sentence: "If the server, while reading the handshake, finds that the client did not send a handshake that matches the description below […], the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code (such as 400 Bad Request)."},
	VersionRefused:  {Section: "4.2.2", Sentence: "If this version does not match a version understood by the server, the server MUST abort the WebSocket handshake described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of understanding."},
	RequestTaken:    {Section: "4.2.1", Sentence: "Note that as per RFC 2616, the order of the header fields is not important."},
	ResponseRight:   {Section: "4.2.2", Sentence: "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response indicating the following."},
}

// Info tells where a rule stands, be it the model's or one of this package.
func Info(rule model.Rule) model.RuleInfo {
	if info, ok := rule.Info(); ok {
		return info
	}
	info := ownRules[rule]
	info.Rule = rule
	return info
}

// A sighting is a way in which an answer departs from the model.
type sighting struct {
	Level Level
	Rule  model.Rule
	Kind  Kind
	What  string // of the same rule and kind, what apart: "an empty message"
	Why   string // in words, of this transcript
	// timed says that a busy machine may be the reason: it counts only if it is seen
	// again alone, with patience.
	timed bool
}

// key is what sightings of one group have in common.
func (s *sighting) key() string {
	key := fmt.Sprintf("%s: %s", s.Rule, s.Kind)
	if s.What != "" {
		key += " " + s.What
	}
	return key
}
