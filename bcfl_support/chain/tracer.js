// Gas by instruction, as a tracer that runs inside the node (debug_traceTransaction).
//
// The cost of an instruction is the gas before it minus the gas before the next one of the same frame, minus what the
// frames it opened used. Nodes do not agree on getCost(), so it is not asked. The last instruction of the outermost
// frame has no next one: it is STOP (free), or RETURN or REVERT, which pay only for memory.
({
  operations: {}, storage: [], frames: [{inner: 0}], refund: 0,
  add: function (name, gas) {
    var row = this.operations[name] || [0, 0];
    this.operations[name] = [row[0] + 1, row[1] + gas];
  },
  settle: function (frame, left) {
    var gas = frame.gas - left - frame.inner;
    this.add(frame.op, gas);
    if (frame.slot !== null) this.storage.push([frame.op, frame.address, frame.slot, gas]);
    frame.inner = 0;
  },
  memory: function (log) {
    var size = parseInt(log.stack.peek(1).toString());
    if (size === 0) return 0;
    var words = Math.ceil((parseInt(log.stack.peek(0).toString()) + size) / 32), before = log.memory.length() / 32;
    if (words <= before) return 0;
    return 3 * (words - before) + Math.floor(words * words / 512) - Math.floor(before * before / 512);
  },
  step: function (log) {
    var frame = this.frames[this.frames.length - 1], op = log.op.toString(), left = log.getGas();
    if (frame.op) this.settle(frame, left);
    var touches = op === "SLOAD" || op === "SSTORE";
    frame.op = op; frame.gas = left;
    frame.slot = touches ? log.stack.peek(0).toString(16) : null;
    if (touches) frame.address = toHex(log.contract.getAddress());
    frame.last = op === "RETURN" || op === "REVERT" ? this.memory(log) : 0;
    this.refund = log.getRefund();
  },
  fault: function () {},
  enter: function (call) {
    var to = call.getTo();
    this.frames.push({inner: 0, forwarded: call.getGas(), type: call.getType(), to: to ? toHex(to) : ""});
  },
  exit: function (result) {
    var frame = this.frames.pop(), error = result.getError(), output = result.getOutput();
    // A frame that fails for any reason but REVERT uses all it was given.
    var used = error && String(error).indexOf("revert") < 0 ? frame.forwarded : result.getGasUsed();
    var created = frame.type.indexOf("CREATE") === 0 && !error && output ? (toHex(output).length - 2) / 2 : 0;
    if (frame.op) this.settle(frame, frame.forwarded - used + 200 * created);
    else if (used > 0) this.add("PRECOMPILE " + frame.to, used);
    if (created) this.add("CODE DEPOSIT", 200 * created);
    this.frames[this.frames.length - 1].inner += used;
  },
  result: function (context) {
    var frame = this.frames[0];
    if (frame.op) this.settle(frame, frame.gas - frame.inner - frame.last);
    var error = String(context.error || "");
    return {operations: this.operations, storage: this.storage, refund: this.refund, error: error};
  }
})
