package conformance

// The sentences of RFC 6455 that the cases enforce, as they stand there.
var (
	ruleUnfragmented = Rule{"5.4", "Clients and servers MUST support receiving both fragmented and unfragmented messages."}
	ruleLength7      = Rule{"5.2", "The length of the \"Payload data\", in bytes: if 0-125, that is the payload length."}
	ruleLength16     = Rule{"5.2", "If 126, the following 2 bytes interpreted as a 16-bit unsigned integer are the payload length."}
	ruleLength64     = Rule{"5.2", "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0) are the payload length."}
	rulePing         = Rule{"5.5.2", "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a Close frame."}
	rulePong         = Rule{"5.5.3", "A Pong frame sent in response to a Ping frame must have identical \"Application data\" as found in the message body of the Ping frame being replied to."}
	ruleUnsolicited  = Rule{"5.5.3", "A response to an unsolicited Pong frame is not expected."}
	ruleControl      = Rule{"5.5", "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."}
	ruleRSV          = Rule{"5.2", "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_."}
	ruleOpcode       = Rule{"5.2", "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."}
	ruleFragments    = Rule{"5.4", "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN bit set and an opcode of 0."}
	ruleInjected     = Rule{"5.4", "An endpoint MUST be capable of handling control frames in the middle of a fragmented message."}
	ruleInterleaved  = Rule{"5.4", "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an extension has been negotiated that can interpret the interleaving."}
	ruleText         = Rule{"5.6", "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST contain valid UTF-8."}
	ruleUTF8         = Rule{"8.1", "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."}
	ruleCloseReply   = Rule{"5.5.1", "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response."}
	ruleAfterClose   = Rule{"5.5.1", "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection."}
	ruleNoGuarantee  = Rule{"5.5.1", "However, there is no guarantee that the endpoint that has already sent a Close frame will continue to process data."}
	ruleCloseBody    = Rule{"5.5.1", "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) representing a status code with value /code/ defined in Section 7.4."}
	ruleReason       = Rule{"5.5.1", "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/, the interpretation of which is not defined by this specification."}
	ruleDefined      = Rule{"7.4.1", "Endpoints MAY use the following pre-defined status codes when sending a Close frame."}
	ruleLibrary      = Rule{"7.4.2", "Status codes in the range 3000-3999 are reserved for use by libraries, frameworks, and applications."}
	rulePrivate      = Rule{"7.4.2", "Status codes in the range 4000-4999 are reserved for private use and thus can't be registered."}
	ruleUnused       = Rule{"7.4.2", "Status codes in the range 0-999 are not used."}
	ruleReserved     = Rule{"7.4.2", "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future revisions, and extensions specified in a permanent and readily available public specification."}
	rule1005         = Rule{"7.4.1", "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint."}
	rule1006         = Rule{"7.4.1", "1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint."}
	ruleOptional     = Rule{"7.4", "The status code and any associated textual message are optional components of a Close frame."}
	ruleAnySize      = Rule{"5.4", "A sender MAY create fragments of any size for non-control messages."}
	ruleBoundaries   = Rule{"5.4", "One implication of this is that in absence of extensions, senders and receivers must not depend on the presence of specific frame boundaries."}
	ruleExtension    = Rule{"9.1", "A server accepts one or more extensions by including a |Sec-WebSocket-Extensions| header field containing one or more extensions that were requested by the client."}
)
