// The hook of tests/peers/rust/src/lib.rs, which says what it does, in C on the contract itself.
//
// What the host hands over belongs to the hook and is freed here; what is returned is freed by the bindings. Without
// memory it traps: the host knows that it refused some, and says so.

#include <stdlib.h>
#include <string.h>

#include "hook.h"

// The bindings put the whole path of a type into its name.
typedef hookaroon_hook_types_field_t field_t;
typedef hookaroon_hook_types_column_t column_t;
typedef hookaroon_hook_types_bytes_values_t bytes_values_t;
typedef hookaroon_hook_types_emission_t emission_t;
typedef hookaroon_hook_types_row_error_t row_error_t;

// Marks of what is read, and of what is written.
enum { ABSENT, VALUE, NIL, OTHER };
enum { LEAVE, SET, REMOVE, SET_NULL, MERGE };

// Places in the interest.
enum { READ_MESSAGE, READ_STATUS, READ_WHOLE, READS };
enum { WRITE_MESSAGE, WRITE_ROW, WRITE_PASSWORD, WRITE_META, WRITES };

static uint64_t seen;
// Ticks that are still to report.
static int64_t reports;

static void *or_trap(void *memory) {
  if (memory == NULL) __builtin_trap();
  return memory;
}

// For so many items, zeroed; a list without any has no memory to be freed.
static void *items(size_t count, size_t size) { return count == 0 ? NULL : or_trap(calloc(count, size)); }

// Bytes that grow.
typedef struct {
  uint8_t *ptr;
  size_t len, room;
} buffer_t;

static void append(buffer_t *buffer, const void *bytes, size_t len) {
  if (len == 0) return;
  if (buffer->room - buffer->len < len) {
    buffer->room = (buffer->len + len) * 2;
    buffer->ptr = or_trap(realloc(buffer->ptr, buffer->room));
  }
  memcpy(buffer->ptr + buffer->len, bytes, len);
  buffer->len += len;
}

static void append_text(buffer_t *buffer, const char *text) { append(buffer, text, strlen(text)); }

// In decimal. Not with printf: wasi-libc's imports WASI, which no hook is offered.
static void append_number(buffer_t *buffer, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  append(buffer, digits + at, sizeof digits - at);
}

static void append_signed(buffer_t *buffer, int64_t number) {
  if (number < 0) append_text(buffer, "-");
  append_number(buffer, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

static hook_list_u8_t list(const buffer_t *buffer) { return (hook_list_u8_t){buffer->ptr, buffer->len}; }

// A value of a column of texts or JSON that is read.
static hook_string_t text(const bytes_values_t *values, size_t row) {
  size_t start = row == 0 ? 0 : values->ends.ptr[row - 1];
  return (hook_string_t){values->data.ptr + start, values->ends.ptr[row] - start};
}

static bool is(hook_string_t text, const char *wanted) {
  return text.len == strlen(wanted) && memcmp(text.ptr, wanted, text.len) == 0;
}

// A column of texts or JSON that is written. Its rows come in order; `next_row` ends each.
typedef struct {
  buffer_t data;
  uint32_t *ends;
  uint8_t *marks;
} written_t;

static void next_row(written_t *column, size_t row) { column->ends[row] = (uint32_t)column->data.len; }

static bytes_values_t bytes_values(const written_t *column, size_t rows) {
  return (bytes_values_t){list(&column->data), {column->ends, rows}};
}

// New events, and the row that each one follows.
typedef struct {
  buffer_t data;
  uint32_t *ends, *after;
  size_t count;
} emitted_t;

// The event is what was appended to `data` since the last one.
static void emit(emitted_t *emitted, size_t row) {
  emitted->ends[emitted->count] = (uint32_t)emitted->data.len;
  emitted->after[emitted->count++] = (uint32_t)row;
}

// One event at the end.
static emission_t emission_of(const buffer_t *event) {
  uint32_t *end = items(1, sizeof *end);
  *end = (uint32_t)event->len;
  return (emission_t){.events = {list(event), {end, 1}}};
}

bool exports_hookaroon_hook_lifecycle_init(exports_hookaroon_hook_lifecycle_setup_t *setup,
                                           exports_hookaroon_hook_lifecycle_interest_t *interest,
                                           hook_string_t *error) {
  bool ok = is(setup->config, "{}");
  if (!ok) hook_string_dup(error, "[hook.config]: it has no options");
  for (size_t each = 0; ok && each < setup->states.len; each++) {
    hook_list_u8_t state = setup->states.ptr[each];
    uint64_t count = 0;
    ok = state.len > 0;
    for (size_t at = 0; ok && at < state.len; at++) {
      ok = state.ptr[at] >= '0' && state.ptr[at] <= '9';
      count = count * 10 + (state.ptr[at] - '0');
    }
    if (!ok) hook_string_dup(error, "a saved state is not a number");
    seen += count;
  }
  hookaroon_hook_types_setup_free(setup);
  if (!ok) return false;

  static const struct {
    const char *path;
    uint8_t kind;
  } reads[READS] = {{"message", HOOKAROON_HOOK_TYPES_KIND_TEXT},
                    {"status", HOOKAROON_HOOK_TYPES_KIND_INTEGER},
                    {".", HOOKAROON_HOOK_TYPES_KIND_JSON}},
    writes[WRITES] = {{"message", HOOKAROON_HOOK_TYPES_KIND_TEXT},
                      {"row", HOOKAROON_HOOK_TYPES_KIND_INTEGER},
                      {"password", HOOKAROON_HOOK_TYPES_KIND_TEXT},
                      {"meta", HOOKAROON_HOOK_TYPES_KIND_JSON}};
  field_t *read = items(READS, sizeof *read), *write = items(WRITES, sizeof *write);
  for (size_t at = 0; at < READS; at++) {
    hook_string_dup(&read[at].path, reads[at].path);
    read[at].kind = reads[at].kind;
  }
  for (size_t at = 0; at < WRITES; at++) {
    hook_string_dup(&write[at].path, writes[at].path);
    write[at].kind = writes[at].kind;
  }
  *interest = (exports_hookaroon_hook_lifecycle_interest_t){
      .read = {read, READS},
      .write = {write, WRITES},
      .tick_ms = {true, 20},
      .placement = HOOKAROON_HOOK_TYPES_PLACEMENT_EVERY_WORKER,
  };
  return true;
}

bool exports_hookaroon_hook_lifecycle_process(exports_hookaroon_hook_lifecycle_batch_t *batch,
                                              exports_hookaroon_hook_lifecycle_outcome_t *outcome,
                                              hook_string_t *error) {
  size_t rows = batch->rows;
  const column_t *reads = batch->columns.ptr;
  // Fewer columns than were asked for never come.
  const bytes_values_t *messages = &reads[READ_MESSAGE].values.val.text;
  const hook_list_s64_t *statuses = &reads[READ_STATUS].values.val.integer;
  const bytes_values_t *wholes = &reads[READ_WHOLE].values.val.json;

  for (size_t row = 0; row < rows; row++) {
    // Before anything is made that would have to be freed.
    if (is(text(messages, row), "trap")) __builtin_trap();
    if (is(text(messages, row), "error")) {
      hook_string_dup(error, "told to fail");
      hookaroon_hook_types_batch_free(batch);
      return false;
    }
  }

  uint8_t *keep = items(rows, 1);
  written_t columns[WRITES] = {0};
  for (size_t at = 0; at < WRITES; at++) {
    columns[at].marks = items(rows, 1);
    if (at != WRITE_ROW) columns[at].ends = items(rows, sizeof(uint32_t));
  }
  int64_t *numbers = items(rows, sizeof *numbers);
  emitted_t emitted = {.ends = items(rows, sizeof(uint32_t)), .after = items(rows, sizeof(uint32_t))};
  row_error_t *errors = items(rows, sizeof *errors);
  size_t failed = 0;

  for (size_t row = 0; row < rows; row++) {
    seen++;
    keep[row] = 1;
    hook_string_t message = text(messages, row), whole = text(wholes, row);
    uint8_t message_mark = reads[READ_MESSAGE].marks.ptr[row], status_mark = reads[READ_STATUS].marks.ptr[row];
    int64_t status = statuses->ptr[row];
    if (status_mark == OTHER) {
      errors[failed].row = (uint32_t)row;
      hook_string_dup(&errors[failed++].message, "status is not an integer");
    } else if (status_mark == VALUE && status == 204) {
      keep[row] = 0;
    } else {
      if (status_mark == VALUE) {
        if (is(message, "report")) reports = status;
        columns[WRITE_ROW].marks[row] = SET;
        numbers[row] = (int64_t)seen;
        if (status < 0 || status >= 500) {
          append_text(&emitted.data, "{\"alert\":");
          append_signed(&emitted.data, status);
          append_text(&emitted.data, ",\"event\":");
          append(&emitted.data, whole.ptr, whole.len);
          append_text(&emitted.data, "}");
          emit(&emitted, row);
        }
      }
      if (message.len > 0 && message.ptr[0] == '!') {
        append(&columns[WRITE_MESSAGE].data, message.ptr + 1, message.len - 1);
        columns[WRITE_MESSAGE].marks[row] = SET;
      }
      if (message_mark == VALUE) {
        columns[WRITE_PASSWORD].marks[row] = REMOVE;
      } else if (message_mark == NIL) {
        columns[WRITE_PASSWORD].marks[row] = SET_NULL;
      } else if (message_mark == ABSENT) {
        append_text(&columns[WRITE_META].data, "{\"size\":");
        append_number(&columns[WRITE_META].data, whole.len);
        append_text(&columns[WRITE_META].data, "}");
        columns[WRITE_META].marks[row] = MERGE;
      }
    }
    next_row(&columns[WRITE_MESSAGE], row);
    next_row(&columns[WRITE_PASSWORD], row);
    next_row(&columns[WRITE_META], row);
  }
  hookaroon_hook_types_batch_free(batch);

  column_t *writes = items(WRITES, sizeof *writes);
  for (size_t at = 0; at < WRITES; at++) {
    writes[at].marks = (hook_list_u8_t){columns[at].marks, rows};
    if (at == WRITE_ROW) {
      writes[at].values.tag = HOOKAROON_HOOK_TYPES_VALUES_INTEGER;
      writes[at].values.val.integer = (hook_list_s64_t){numbers, rows};
    } else if (at == WRITE_META) {
      writes[at].values.tag = HOOKAROON_HOOK_TYPES_VALUES_JSON;
      writes[at].values.val.json = bytes_values(&columns[at], rows);
    } else {
      writes[at].values.tag = HOOKAROON_HOOK_TYPES_VALUES_TEXT;
      writes[at].values.val.text = bytes_values(&columns[at], rows);
    }
  }
  // The bindings free a list only if it has items.
  if (emitted.count == 0) {
    free(emitted.ends);
    free(emitted.after);
  }
  if (failed == 0) free(errors);
  *outcome = (exports_hookaroon_hook_lifecycle_outcome_t){
      .keep = {keep, rows},
      .writes = {writes, WRITES},
      .emit = {.events = {list(&emitted.data), {emitted.ends, emitted.count}}, .after = {emitted.after, emitted.count}},
      .errors = {errors, failed},
  };
  return true;
}

bool exports_hookaroon_hook_lifecycle_tick(uint64_t now_ns, exports_hookaroon_hook_lifecycle_emission_t *emission,
                                           hook_string_t *error) {
  (void)now_ns, (void)error;
  *emission = (emission_t){0};
  if (reports > 0) {
    reports--;
    buffer_t event = {0};
    append_text(&event, "{\"tick\":true,\"seen\":");
    append_number(&event, seen);
    append_text(&event, "}");
    *emission = emission_of(&event);
  }
  return true;
}

bool exports_hookaroon_hook_lifecycle_save(hook_list_u8_t *state) {
  if (seen == 0) return false;
  buffer_t text = {0};
  append_number(&text, seen);
  *state = list(&text);
  return true;
}

void exports_hookaroon_hook_lifecycle_teardown(exports_hookaroon_hook_lifecycle_reason_t reason,
                                               exports_hookaroon_hook_lifecycle_emission_t *emission) {
  static const char *const reasons[] = {"unload", "swap", "recycle", "shutdown"};
  buffer_t event = {0};
  append_text(&event, "{\"end\":\"");
  append_text(&event, reasons[reason]);
  append_text(&event, "\",\"seen\":");
  append_number(&event, seen);
  append_text(&event, "}");
  *emission = emission_of(&event);
}
