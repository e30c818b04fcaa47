/* First-hit coverage of machine code that was not built for it: a breakpoint on every basic block,
   which is taken out when it is met. The code runs at full speed afterwards.

   Compiled and fed by coverage.py. x86-64 Linux. */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define MODULES 8

static struct module {
  uint8_t *base;            /* where offset 0 is mapped */
  const uint32_t *offsets;  /* of blocks, ascending */
  uint8_t *original;        /* the byte that was there */
  uint8_t *counters;        /* set to 1 when a block is met; the fuzzer clears them */
  size_t n;
} modules[MODULES];
static int n_modules;
static struct sigaction before;

size_t blocks_met;

static void met(int signal, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  uint8_t *at = (uint8_t *)c->uc_mcontext.gregs[REG_RIP] - 1;
  for (int m = 0; m < n_modules; m++) {
    const struct module *module = &modules[m];
    if (at < module->base || (size_t)(at - module->base) > UINT32_MAX) continue;
    const uint32_t offset = (uint32_t)(at - module->base);
    size_t low = 0, high = module->n;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (module->offsets[middle] < offset) low = middle + 1; else high = middle;
    }
    if (low == module->n || module->offsets[low] != offset) continue;
    blocks_met += *at == 0xCC;  /* another thread may have been here first */
    *at = module->original[low];
    module->counters[low] = 1;
    c->uc_mcontext.gregs[REG_RIP]--;
    return;
  }
  sigaction(SIGTRAP, &before, NULL);  /* not ours: die of it */
}

/* Put a breakpoint on every offset. `start` and `length` span the code; 0, or -1 for failure. */
int blocks_watch(uint8_t *base, size_t start, size_t length, const uint32_t *offsets,
                 uint8_t *original, uint8_t *counters, size_t n) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *from = (uint8_t *)((uintptr_t)(base + start) / page * page);
  uint8_t *to = (uint8_t *)(((uintptr_t)(base + start + length) + page - 1) / page * page);
  if (n_modules == MODULES) return -1;
  if (mprotect(from, (size_t)(to - from), PROT_READ | PROT_WRITE | PROT_EXEC)) return -1;
  if (n_modules == 0) {
    struct sigaction action = {.sa_sigaction = met, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGTRAP, &action, &before)) return -1;
  }
  modules[n_modules++] = (struct module){base, offsets, original, counters, n};
  for (size_t i = 0; i < n; i++) {
    original[i] = base[offsets[i]];
    base[offsets[i]] = 0xCC;
  }
  return 0;
}
