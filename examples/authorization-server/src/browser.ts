/** A browser that keeps cookies and follows redirects, as far as the pages of one server. */
export interface Browser {
  /**
   * Open a link, sign in and answer; resolves with where the server sends the browser back to, which is not opened.
   *
   * @throws {Error} If it is shown anything else than the pages for that.
   */
  answer(link: string, as: Answering): Promise<string>
}

export interface Answering {
  readonly user: string
  readonly password: string
  readonly answer: 'yes' | 'no'
}

const MOST_STEPS = 12

export function openBrowser(): Browser {
  const cookies = new Map<string, string>()

  async function visit(url: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const at = pair.indexOf('=')
      const isGone = /expires=Thu, 01 Jan 1970/i.test(cookie)
      if (isGone) cookies.delete(pair.slice(0, at))
      else cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  return {
    async answer(link, { user, password, answer }) {
      const { origin } = new URL(link)
      let url = link
      let response = await visit(link)
      for (let step = 0; step < MOST_STEPS; step += 1) {
        const location = response.headers.get('location')
        if (location !== null) {
          url = new URL(location, url).href
          if (new URL(url).origin !== origin) return url
          response = await visit(url)
          continue
        }
        const page = await response.text()
        if (page.includes('name="password"')) response = await visit(url, { user, password })
        else if (page.includes('name="answer"')) response = await visit(url, { answer })
        else throw new Error(`The server shows ${response.status} and something else: ${page.slice(0, 200)}`)
      }
      throw new Error('The pages never end.')
    },
  }
}
