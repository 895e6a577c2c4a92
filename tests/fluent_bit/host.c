/*
 * The part of a Fluent Bit that has to be C: structs laid out by a C compiler, as 4.0 and as 5.1 have
 * them, a log with variable arguments, and functions that the process exports. Everything else of the
 * test's host is in host.rs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum version { V4_0, V5_1 };

/* Behind every struct that is given away; whoever writes too far changes it. */
#define GUARD 64
#define FILL 0xA5

/* What host.rs does for the host. */
static const char *(*get_property)(const char *key, void *instance);
static int (*log_check)(void *instance, int level);
static void (*log_line)(int level, const char *line);
static int (*append)(void *instance, size_t count, const void *records, size_t length);
static int (*set_collector)(void *instance, int (*collect)(void *, void *, void *), long nanoseconds);

void host_connect(const char *(*get)(const char *, void *), int (*check)(void *, int),
                  void (*line)(int, const char *), int (*take)(void *, size_t, const void *, size_t),
                  int (*collector)(void *, int (*)(void *, void *, void *), long))
{
    get_property = get;
    log_check = check;
    log_line = line;
    append = take;
    set_collector = collector;
}

#ifdef EXPORTS
int flb_input_log_append_records(void *instance, size_t count, const char *tag, size_t tag_length,
                                 const void *records, size_t length)
{
    return tag == NULL && tag_length == 0 ? append(instance, count, records, length) : -1;
}

int flb_input_set_collector_time(void *instance, int (*collect)(void *, void *, void *), long seconds,
                                 long nanoseconds, void *config)
{
    return config == NULL ? set_collector(instance, collect, seconds * 1000000000L + nanoseconds) : -1;
}
#endif

static void log_print(int level, const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list arguments;

    (void) file;
    (void) line;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line(level, text);
}

/* The functions of both versions; those that are no function of an input are not set. */
struct api {
    void *output_get_property;
    const char *(*input_get_property)(const char *, void *);
    void *output_get_cmt_instance;
    void *input_get_cmt_instance;
    void (*log_print)(int, const char *, int, const char *, ...);
    int (*input_log_check)(void *, int);
    void *output_log_check;
    void *custom_get_property;
    void *custom_log_check;
};

struct definition_4_0 {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
};

struct definition_5_1 {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    int event_type;
    void *config_map;
};

struct context_4_0 {
    int coll_fd;
    void *proxy;
};

struct context_5_1 {
    int coll_fd;
    void *remote_context;
    void *proxy;
};

struct plugin {
    char *name;
    struct api *api;
    void *i_ins;
    void *context;
    void *callbacks[7];
};

static unsigned char *guarded(size_t size)
{
    unsigned char *memory = malloc(size + GUARD);
    memset(memory, FILL, size + GUARD);
    return memory;
}

/* 1 when nothing from `from` on was written. */
static int is_untouched(const unsigned char *memory, size_t from, size_t size)
{
    for (size_t place = from; place < size + GUARD; place++) {
        if (memory[place] != FILL) {
            return 0;
        }
    }
    return 1;
}

/* Registers as the version does: 0 when all is as it should be, otherwise the number of what is not. */
int host_register(enum version version, int (*plugin_register)(void *), char *name, size_t name_size)
{
    size_t size = version == V4_0 ? sizeof(struct definition_4_0) : sizeof(struct definition_5_1);
    size_t known = offsetof(struct definition_4_0, description) + sizeof(char *);
    unsigned char *memory = guarded(size);
    struct definition_4_0 *definition = (struct definition_4_0 *) memory;
    int wrong = 0;

    if (plugin_register(memory) != 0) {
        wrong = 1;
    }
    else if (definition->type != 1 || definition->proxy != 11 || definition->flags != 0) {
        wrong = 2;
    }
    else if (strlen(definition->description) == 0) {
        wrong = 3;
    }
    else if (!is_untouched(memory, known, size)) {
        wrong = 4;
    }
    else {
        snprintf(name, name_size, "%s", definition->name);
    }
    free(memory);
    return wrong;
}

struct beginning {
    enum version version;
    struct api *api;
    struct plugin *plugin;
    unsigned char *context;
};

/* What an instance is begun with; `host_end` frees it. */
struct beginning *host_begin(enum version version, void *instance)
{
    struct beginning *beginning = calloc(1, sizeof *beginning);
    size_t size = version == V4_0 ? sizeof(struct context_4_0) : sizeof(struct context_5_1);

    beginning->version = version;
    /* As the host does: what it has no use for is never set, and nobody may look at it. */
    beginning->api = malloc(sizeof *beginning->api);
    beginning->api->input_get_property = get_property;
    beginning->api->log_print = log_print;
    beginning->api->input_log_check = log_check;
    beginning->context = guarded(size);
    beginning->plugin = (struct plugin *) guarded(sizeof(struct plugin));
    beginning->plugin->name = "qlik_sense";
    beginning->plugin->api = beginning->api;
    beginning->plugin->i_ins = instance;
    beginning->plugin->context = beginning->context;
    return beginning;
}

void *host_plugin(struct beginning *beginning)
{
    return beginning->plugin;
}

/* 0 when nothing of the host's own was written. */
int host_end(struct beginning *beginning)
{
    size_t size = beginning->version == V4_0 ? sizeof(struct context_4_0) : sizeof(struct context_5_1);
    const unsigned char *plugin = (const unsigned char *) beginning->plugin;
    int is_whole = is_untouched(beginning->context, 0, size) &&
                   is_untouched(plugin, offsetof(struct plugin, callbacks), sizeof(struct plugin));

    free(beginning->context);
    free(beginning->plugin);
    free(beginning->api);
    free(beginning);
    return is_whole ? 0 : 1;
}
