// The JSON that scripts read. Fields named here are kept stable: they may be
// added to, never renamed or removed.
#pragma once

#include "codec/json.hpp"
#include "core/api.hpp"

namespace troupe::render {

/// id kind state phase attempt progress failure{class,reason,message,
/// last_lines} result artifacts[{name,sha256,bytes,media_type}], times as
/// unix milliseconds (*_ms) and as UTC text, then what was asked for.
/// `progress` is a percentage or null; `progress_detail` has the rest.
Json job(const JobView& view);

/// {"id","state"}; "existed" when the job was here before; "error" instead
/// when it was not accepted.
Json submitted(const SubmitAnswer& answer);

/// {"code","message"}, "faults" and "retry_after_ms" where there are any.
Json error(const Error& error);

/// seq time time_ms type job attempt index, `state` where it moved the job,
/// and what belongs to the type.
Json event(const LogEntry& entry);
/// after_seq n time time_ms type job attempt and `progress`, `log` or `token`.
Json event(const LiveEvent& event);

/// A JSON text that was stored; null when there is none.
Json stored(const std::string& text);

}  // namespace troupe::render
