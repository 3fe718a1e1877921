# The ten rules of ../rules.ts. After a change, compile with
#   opa build -t wasm -e agent/call/decision ten-rules.rego
# and put the policy.wasm of the bundle here as ten-rules.wasm.
package agent.call

import rego.v1

decision := {"decision": "deny", "reason": "a rule denies it"} if {
	denied
} else := {"decision": "allow"} if {
	permitted
} else := {"decision": "deny", "reason": "no rule permits it"}

permitted if {
	input.tool.name == "sendEmail"
	input.runtimeContext.tenant in {"acme", "initech"}
}

denied if input.runtimeContext.hour < 6

denied if input.runtimeContext.hour >= 22

denied if not input.runtimeContext.classification in {"public", "internal"}

denied if input.runtimeContext.calls >= 1000000

denied if input.runtimeContext.isSuspended

denied if {
	input.runtimeContext.role == "intern"
	input.runtimeContext.isEgress
}

denied if input.runtimeContext.refusals > 20

denied if count(input.args.subject) > 200

denied if input.args.to == input.runtimeContext.user

denied if input.runtimeContext.timeZone == "Antarctica/Troll"
