/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manager: the API of api.h over HTTP, TCP and the NET channel that root gives it.
 *
 * Arguments: address=A.B.C.D/N gateway=A.B.C.D token=T, and optionally port=P (80). Without a token
 * nobody is served.
 */
#include <bh/syscall.h>

#include "domains/manager/api.h"
#include "domains/manager/platform.h"
#include "domains/manager/server.h"
#include "domains/manager/settings.h"
#include "libs/lwip/port/channel_netif.h"
#include "libs/runtime/runtime.h"
#include "lwip/init.h"
#include "lwip/timeouts.h"

#define FRAMES_PER_TURN 64u
#define POWER_WAIT_US   UINT64_C(1000000) /* for the answer to be acknowledged */
#define POWER_POLL_US   UINT64_C(10000)
#define TOKEN_MAX       200u

static struct manager manager;
static struct platform platform;
static struct server server;
static struct channel_netif netif;
static struct http_handler handler;
static bool netif_ready;

static struct {
    struct settings_network network;
    uint32_t gateway;
    uint16_t port;
    char token[TOKEN_MAX];
} settings = {.port = 80};

static uint64_t now_us(void)
{
    return bh_us_from_ticks(bh_ticks());
}

/* False: something that is needed is missing or wrong; the log says what. */
static bool read_settings(void)
{
    char text[64];
    if (!bh_argument("token", settings.token, sizeof(settings.token)) ||
        settings.token[0] == '\0') {
        bh_log("arguments: no token=..., so the API is not served");
        return false;
    }
    if (!bh_argument("address", text, sizeof(text)) ||
        !settings_network_parse(text, &settings.network)) {
        bh_log("arguments: no address=A.B.C.D/N, so the API is not served");
        return false;
    }
    if (bh_argument("gateway", text, sizeof(text)) &&
        !settings_address_parse(text, &settings.gateway)) {
        bh_log("arguments: gateway=%s is no address; going on without", text);
    }
    if (bh_argument("port", text, sizeof(text)) && !settings_port_parse(text, &settings.port)) {
        bh_log("arguments: port=%s is no port; using %u", text, (unsigned)settings.port);
    }
    manager.token = settings.token;
    return true;
}

/* With the first channel, whose resource has the MAC address. */
static void start_network(void)
{
    const struct bh_domain_page *page = bh_domain();
    uint64_t mac = 0;
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED &&
            resource->kind == BH_RESOURCE_CLIENT && resource->protocol == BH_PROTOCOL_NET) {
            mac = resource->argument[0];
        }
    }
    const ip4_addr_t address = {.addr = settings.network.address};
    const ip4_addr_t mask = {.addr = settings.network.mask};
    const ip4_addr_t gateway = {.addr = settings.gateway};
    if (!channel_netif_init(&netif, mac, address, mask, gateway) ||
        !server_start(&server, &handler, settings.port)) {
        bh_panic("lwip has no memory for the network interface or the server");
    }
    netif_ready = true;
    bh_log("serving http://%u.%u.%u.%u:%u/v1", (unsigned)ip4_addr1(&address),
           (unsigned)ip4_addr2(&address), (unsigned)ip4_addr3(&address),
           (unsigned)ip4_addr4(&address), (unsigned)settings.port);
}

static void follow_page(void)
{
    bh_domain_changed();
    platform_scan(&platform, &manager);
    if (platform.net.change == PLATFORM_ATTACHED && manager.token != NULL) {
        if (!netif_ready) {
            start_network();
        }
        channel_netif_attach(&netif, &platform.net.channel);
    } else if (platform.net.change == PLATFORM_DETACHED && netif_ready) {
        channel_netif_detach(&netif);
    }
    platform_release(&platform);
}

/* Does what POST /v1/system/poweroff promised, once the answer is on its way. Returns when it wants
 * to be called again (us). */
static uint64_t follow_power(uint64_t now)
{
    static uint64_t deadline;
    if (manager.power == MANAGER_POWER_ON) {
        return UINT64_MAX;
    }
    if (deadline == 0) {
        deadline = now + POWER_WAIT_US;
    }
    if (!server_quiet(&server) && now < deadline) {
        return now + POWER_POLL_US;
    }
    bool off = manager.power == MANAGER_POWER_OFF;
    manager.power = MANAGER_POWER_ON;
    deadline = 0;
    bh_log("%s, as a client of the API wants",
           off ? "turning the machine off" : "restarting the machine");
    struct bh_root_answer answer =
        bh_root_call(off ? BH_ROOT_MACHINE_OFF : BH_ROOT_MACHINE_RESET, manager.exit_status, 0, 0);
    bh_log("root refuses: status %lu", (unsigned long)answer.status);
    return UINT64_MAX;
}

/* One turn; returns the time (us) of the next at the latest, 0: at once. */
static uint64_t turn(void)
{
    if (!netif_ready) {
        return UINT64_MAX;
    }
    uint64_t now = server.now = now_us();
    bool more = channel_netif_poll(&netif, FRAMES_PER_TURN);
    sys_check_timeouts();
    uint64_t next = server_poll(&server);
    uint64_t power = follow_power(now);
    if (channel_netif_flush(&netif)) {
        (void)bh_signal(netif.channel.signal_cap);
    }
    if (more || !channel_netif_sleep(&netif)) {
        return 0;
    }
    u32_t lwip_ms = sys_timeouts_sleeptime();
    uint64_t lwip =
        lwip_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX : now + (uint64_t)lwip_ms * 1000;
    next = next < lwip ? next : lwip;
    return next < power ? next : power;
}

int main(void)
{
    platform_init(&manager);
    handler = api_handler(&manager);
    lwip_init();
    (void)read_settings();
    follow_page();
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    for (;;) {
        uint64_t next = turn();
        uint64_t bits = 0;
        if (next == 0) {
            (void)bh_poll(BH_SLOT_NOTIFICATION, &bits);
        } else {
            if (next == UINT64_MAX) {
                bh_deadline_clear();
            } else {
                bh_deadline_set(bh_ticks_from_us(next));
            }
            (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
        }
        if (bits & BH_SIGNAL_CONTROL) {
            follow_page();
        }
    }
}
