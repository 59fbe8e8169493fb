import type { InjectionToken, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

type Module = ReturnType<ModulesContainer['values']> extends Iterable<infer M> ? M : never;
type InstanceWrapper =
  ReturnType<Module['providers']['values']> extends Iterable<infer W> ? W : never;

/** A provider or controller of the application whose methods may work jobs. */
export interface Candidate {
  readonly module: Module;
  readonly token: InjectionToken;
  readonly type: Type;
  /** undefined: there is one for each request, or for each attempt of a job. */
  readonly instance: object | undefined;
}

/** All providers and controllers that the application has, each once. */
export function* candidates(modules: ModulesContainer): Iterable<Candidate> {
  const seen = new Set<unknown>();
  for (const module of modules.values()) {
    for (const wrapper of [...module.providers.values(), ...module.controllers.values()]) {
      const candidate = candidateOf(wrapper, module);
      if (candidate === undefined || seen.has(wrapper)) continue;
      // A provider under two tokens, as with useExisting, is one.
      if (candidate.instance !== undefined) {
        if (seen.has(candidate.instance)) continue;
        seen.add(candidate.instance);
      }
      seen.add(wrapper);
      yield candidate;
    }
  }
}

/** The classes of guards, interceptors, pipes and filters that are bound, but are no providers. */
export function* enhancers(modules: ModulesContainer): Iterable<Type> {
  for (const { injectables, providers } of modules.values()) {
    for (const { metatype, token } of injectables.values()) {
      const isClass = typeof metatype === 'function' && isConstructor(metatype);
      if (isClass && !providers.has(token)) yield metatype as Type;
    }
  }
}

function candidateOf(wrapper: InstanceWrapper, module: Module): Candidate | undefined {
  const { metatype, inject, token } = wrapper;
  const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
  const instance: unknown = isStatic ? wrapper.instance : undefined;
  const isMade = typeof instance === 'object' && instance !== null;
  // Of factories and values, only what they have made says what it is.
  const isClass = typeof metatype === 'function' && !inject && isConstructor(metatype);
  const type: unknown = isMade ? constructorOf(instance) : isClass ? metatype : undefined;
  if (typeof type !== 'function' || type === Object) return undefined;
  return { module, token, type: type as Type, instance: isMade ? instance : undefined };
}

function constructorOf(instance: object): unknown {
  try {
    return (instance as { readonly constructor?: unknown }).constructor;
  } catch {
    // A revoked proxy.
    return undefined;
  }
}

function isConstructor(value: object): boolean {
  return 'prototype' in value && typeof value.prototype === 'object' && value.prototype !== null;
}
